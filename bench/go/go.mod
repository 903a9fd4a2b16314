module pagent/bench

go 1.19
