# Completion of tcptrace's command lines in fish, as tcptrace --completion fish
# prints it.

# The parts of a list with commas; all have a - in front, or none.
function __tcptrace_list
    set -l token (commandline -ct | string replace -r '^--[^=]*=' '')
    set -l before (string replace -r '[^,]*$' '' -- "$token")
    set -l minus (string match -r '^-' -- "$token")
    for slug in zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole ack-delay ack-storm
        echo "$before$minus$slug"
    end
end

complete -c tcptrace -s i -l interface -x -a 'any (__fish_print_interfaces)' -d 'sniff at the interface IFACE, or any'
complete -c tcptrace -s D -l list-interfaces -d 'list the interfaces'
complete -c tcptrace -s p -l no-promiscuous -d 'with -i: only what is meant for this host'
complete -c tcptrace -l filter -x -d 'only frames that match EXPR, a pcap-filter expression'
complete -c tcptrace -l filter-bpf -r -F -d 'only frames that match the program in FILE, as tcpdump -ddd prints it'
complete -c tcptrace -l verify-checksums -d 'leave out segments whose checksum is provably wrong'
complete -c tcptrace -s d -l detect -x -a '(__tcptrace_list)' -d 'LIST of detectors: a,b only these; -a,-b all but these'
complete -c tcptrace -l set -x -a 'zero-window-probe-loop.min-probes= zero-window-probe-loop.min-silent= zero-window-deadlock.patience= small-window.patience= small-window.min-fills= unretransmitted-fin.patience= fin-unanswered.min-sends= fin-unanswered.patience= close-wait-leak.idle= half-close-cut.idle= half-close-cut.min-resends= half-close-cut.patience= fin-over-hole.patience= early-reuse.patience= reset-cause.min-idle= syn-unanswered.patience= syn-unanswered.costly= syn-ack-unanswered.patience= syn-ack-unanswered.costly= challenged-syn.patience= challenged-syn.costly= wrong-syn-ack.patience= wrong-syn-ack.costly= slow-connect.limit= slow-connect.costly= no-data.within= retransmissions.min-resent= retransmissions.min-episodes= retransmissions.min-share= retransmissions.min-stall= reordering.min-resent= reordering.min-share= sack-mismatch.min-acks= paws-drops.min-drops= dead-peer.min-keepalives= dead-peer.min-resends= dead-peer.patience= dead-peer.min-outage= idle-blackhole.min-resends= idle-blackhole.min-idle= idle-blackhole.patience= mtu-blackhole.min-resends= mtu-blackhole.min-size= mtu-blackhole.patience= ack-delay.min-stalls= ack-storm.min-rate=' -d 'SLUG.PARAM=VALUE changes a threshold; may be repeated'
complete -c tcptrace -l time-wait -x -d 'let TIME_WAIT last for DURATION (Linux: 60s; RFC 9293: 4m)'
complete -c tcptrace -l list -d 'list the detectors'
complete -c tcptrace -l explain -x -a 'zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole ack-delay ack-storm' -d 'tell all about the detector SLUG, with its sample'
complete -c tcptrace -l flows -d 'one row per connection'
complete -c tcptrace -l flow -x -d 'connection ID in full: its number, or A:PORT-B:PORT'
complete -c tcptrace -l states -d 'the sockets of both hosts, as netstat -an would print them'
complete -c tcptrace -l at -x -d 'with --states: after all frames up to TIME (RFC 3339, or +12.5 seconds from the first frame)'
complete -c tcptrace -l all -d 'with --states: CLOSED ends too'
complete -c tcptrace -l undecided -d 'print what the capture could not decide, too'
complete -c tcptrace -l names -x -a 'rfc netstat ss kb' -d 'spell states in the STYLE of rfc, netstat, ss or kb (Q137984)'
complete -c tcptrace -l format -x -a 'text json ndjson markdown html csv scenario' -d 'NAME of the format: text, json, ndjson, markdown, html, csv or scenario (default text)'
complete -c tcptrace -s o -l output -r -F -d 'write to FILE, in the format of its extension; never half a file'
complete -c tcptrace -l shard -x -d 'judge nothing, but split by connection into N shards in the directory of -o, to be judged anywhere'
complete -c tcptrace -l evidence -x -a '(__fish_complete_directories)' -d 'for each finding a small pcapng of just its connection in DIR, headers only'
complete -c tcptrace -l evidence-payload -d 'with --evidence: keep the payload'
complete -c tcptrace -l anonymize -d 'replace addresses and names, the same in report and evidence; no payload'
complete -c tcptrace -l anonymize-key -r -F -d 'with --anonymize: the key in FILE, 32 bytes or as many in hex, to replace them the same every time'
complete -c tcptrace -l color -x -a 'auto always never' -d 'WHEN to use colour: auto, always or never; NO_COLOR is honoured'
complete -c tcptrace -l no-progress -d 'no progress bar'
complete -c tcptrace -s q -l quiet -d 'no warnings and no progress'
complete -c tcptrace -s v -l verbose -d 'tell what is being done'
complete -c tcptrace -l duration -x -d 'stop after DURATION; ^C stops at any time'
complete -c tcptrace -s w -l write -r -F -d 'keep what is seen in FILE, a pcapng file'
complete -c tcptrace -s C -l rotate-size -x -d 'with -w: begin FILE1, FILE2, ... once one is larger than MB million bytes'
complete -c tcptrace -s W -l rotate-files -x -d 'with -C: N files at most, then the first one anew'
complete -c tcptrace -l metrics -x -d 'serve Prometheus metrics at ADDR, [HOST]:PORT; without a host, to this machine only'
complete -c tcptrace -l fail-on -x -a 'info warning critical never' -d 'LEVEL from which findings make the exit status 1: info, warning, critical or never'
complete -c tcptrace -l max-flows -x -d 'hold at most N connections at a time'
complete -c tcptrace -l workers -x -d 'judge with N goroutines; 0 chooses'
complete -c tcptrace -l completion -x -a 'bash zsh fish' -d 'print what completes command lines in the SHELL bash, zsh or fish'
complete -c tcptrace -l man -d 'print the manual page, for man -l -'
complete -c tcptrace -l version -d 'print the version'
complete -c tcptrace -s h -l help -d 'print this'
