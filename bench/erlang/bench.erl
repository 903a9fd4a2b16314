%% erl -noshell -pa <where it was compiled to> -run bench main <workload> key=value...: ports. Prints one JSON object.
-module(bench).
-export([main/1]).

main([Workload | Words]) ->
    put(words, [list_to_tuple(string:split(Word, "=")) || Word <- Words]),
    Results = case Workload of
        "starts" -> starts();
        "startsBig" -> starts_big();
        "recovery" -> recovery()
    end,
    io:format("{~s}~n", [lists:join(",", [io_lib:format("\"~s\":~w", [Key, Value]) || {Key, Value} <- Results])]),
    erlang:halt(0).

text(Key) -> proplists:get_value(Key, get(words)).
number(Key) -> list_to_integer(text(Key)).
millis() -> erlang:monotonic_time(nanosecond) / 1.0e6.

open(File, Options) -> open_port({spawn_executable, File}, [binary, exit_status, use_stdio | Options]).

await_exit(Port) -> receive {Port, {exit_status, _}} -> ok end.

%% /bin/true, so many in flight, until the time is over.
starts_for(Length, InFlight) ->
    From = millis(),
    Self = self(),
    [spawn_link(fun() -> Self ! {count, lane(From + Length, 0)} end) || _ <- lists:seq(1, InFlight)],
    Count = lists:sum([receive {count, Each} -> Each end || _ <- lists:seq(1, InFlight)]),
    Count * 1.0e3 / (millis() - From).

lane(Until, Count) ->
    case millis() < Until of
        true -> await_exit(open("/bin/true", [])), lane(Until, Count + 1);
        false -> Count
    end.

starts() ->
    starts_for(number("ms") / 4, number("inFlight")),
    [{starts_s, starts_for(number("ms"), number("inFlight"))}].

starts_big() ->
    starts_for(number("ms") / 4, 1),
    Small = starts_for(number("ms"), 1),
    Ballast = [binary:copy(binary:copy(<<1>>, 1024), 1024) || _ <- lists:seq(1, number("bytes") bsr 20)],
    starts_for(number("ms") / 4, 1),
    Big = starts_for(number("ms"), 1),
    put(kept, Ballast),
    [{starts_s, Big}, {small_s, Small}, {kept, Big / Small}].

recovery() ->
    Deaths = number("deaths"),
    put(killer, open("/bin/sh", [{args, ["-c", "while read pid; do kill -9 $pid; done"]}])),
    {Took, _} = lists:mapfoldl(fun(_, Port) -> replace(Port) end, fresh(), lists:seq(1, Deaths)),
    Sorted = lists:sort(Took),
    At = fun(Q) -> lists:nth(round(Q * (Deaths - 1)) + 1, Sorted) end,
    [{p50_ms, At(0.5)}, {p99_ms, At(0.99)}].

fresh() ->
    Port = open(text("echo"), [{line, 65536}]),
    port_command(Port, [binary:copy(<<"x">>, 63), $\n]),
    receive {Port, {data, {eol, _}}} -> Port end.

%% Erlang has no kill(2); a shell that was started before does it.
replace(Port) ->
    {os_pid, Pid} = erlang:port_info(Port, os_pid),
    From = millis(),
    port_command(get(killer), [integer_to_list(Pid), $\n]),
    await_exit(Port),
    Next = fresh(),
    {millis() - From, Next}.
