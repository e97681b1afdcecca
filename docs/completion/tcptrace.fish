# Completion of tcptrace's command lines in fish, as tcptrace --completion fish
# prints it.

# The parts of a list with commas; all have a - in front, or none.
function __tcptrace_list
    set -l token (commandline -ct | string replace -r '^--[^=]*=' '')
    set -l before (string replace -r '[^,]*$' '' -- "$token")
    set -l minus (string match -r '^-' -- "$token")
    for slug in zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole forged-fin early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole dropped-behind-tap ack-delay ack-storm slow-response throughput-limited lost-between injected-between rewritten-between
        echo "$before$minus$slug"
    end
end

complete -c tcptrace -s i -l interface -x -a 'any (__fish_print_interfaces)' -d 'capture live from the interface IFACE, or any; from several, what comes in at one and does not go out at another'
complete -c tcptrace -s D -l list-interfaces -d 'list the interfaces'
complete -c tcptrace -s p -l no-promiscuous -d 'with -i: do not put the interface into promiscuous mode'
complete -c tcptrace -l filter -x -d 'only frames that match the pcap-filter expression EXPR'
complete -c tcptrace -l filter-bpf -r -F -d 'only frames that match the BPF program in FILE, as tcpdump -ddd prints it'
complete -c tcptrace -l verify-checksums -d 'ignore segments whose checksum is provably wrong'
complete -c tcptrace -l from -x -d 'only findings that show a frame at or after TIME, as for --at; earlier frames still count for states'
complete -c tcptrace -l to -x -d 'the trace ends at TIME, as for --at: later frames are left out'
complete -c tcptrace -l tap -x -d 'the captures in NAME=FILE[,FILE] were taken at one place; repeat it for each place on the path'
complete -c tcptrace -l each -d 'the files have nothing to do with each other: analyse each by itself, in one report'
complete -c tcptrace -s d -l detect -x -a '(__tcptrace_list)' -d 'run only the detectors in LIST (a,b), or all but these (-a,-b)'
complete -c tcptrace -l set -x -a 'zero-window-probe-loop.min-probes= zero-window-probe-loop.min-silent= zero-window-deadlock.patience= small-window.patience= small-window.min-fills= small-window.min-cost= unretransmitted-fin.patience= fin-unanswered.min-sends= fin-unanswered.patience= close-wait-leak.idle= half-close-cut.idle= half-close-cut.min-resends= half-close-cut.patience= fin-over-hole.patience= early-reuse.patience= reset-cause.min-idle= syn-unanswered.patience= syn-unanswered.costly= syn-ack-unanswered.patience= syn-ack-unanswered.costly= challenged-syn.patience= challenged-syn.costly= wrong-syn-ack.patience= wrong-syn-ack.costly= slow-connect.limit= slow-connect.costly= no-data.within= retransmissions.min-resent= retransmissions.min-episodes= retransmissions.min-share= retransmissions.min-stall= reordering.min-resent= reordering.min-share= sack-mismatch.min-acks= paws-drops.min-drops= dead-peer.min-keepalives= dead-peer.min-resends= dead-peer.patience= dead-peer.min-outage= idle-blackhole.min-resends= idle-blackhole.min-idle= idle-blackhole.patience= mtu-blackhole.min-resends= mtu-blackhole.min-size= mtu-blackhole.patience= dropped-behind-tap.min-resends= dropped-behind-tap.patience= ack-delay.min-stalls= ack-storm.min-rate= slow-response.min-response= slow-response.max-response= slow-response.min-prompt= slow-response.min-bytes= slow-response.min-unanswered= throughput-limited.min-duration= throughput-limited.min-share= throughput-limited.warn-duration= throughput-limited.warn-share= throughput-limited.max-application=' -d 'change a threshold: SLUG.PARAM=VALUE; may be repeated'
complete -c tcptrace -l time-wait -x -d 'assume that TIME_WAIT lasts for DURATION (Linux: 60s; RFC 9293: 4m)'
complete -c tcptrace -l list -d 'list the detectors'
complete -c tcptrace -l explain -x -a 'zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole forged-fin early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole dropped-behind-tap ack-delay ack-storm slow-response throughput-limited lost-between injected-between rewritten-between' -d 'describe the detector SLUG and show its sample'
complete -c tcptrace -l flows -d 'print one row per connection'
complete -c tcptrace -l time -d 'print where the time went, per connection and per host'
complete -c tcptrace -l flow -x -d 'print connection ID in full: its number in --flows, or A:PORT-B:PORT'
complete -c tcptrace -l states -d 'print the sockets of both hosts, as netstat -an would'
complete -c tcptrace -l at -x -d 'with --states: the states at TIME (RFC 3339; +12.5 for seconds from the first frame; or of the clock, 08:53:31 or 08:53:31+02:00)'
complete -c tcptrace -l all -d 'with --states: include CLOSED sockets'
complete -c tcptrace -l undecided -d 'also print findings that the capture cannot prove'
complete -c tcptrace -l severity -x -a 'info warning critical' -d 'print only findings of LEVEL and above: info, warning or critical'
complete -c tcptrace -l sort -x -d 'order findings by KEY: time, severity, connections; connections of --flows by time, bytes, duration, retransmissions, rtt'
complete -c tcptrace -l baseline -r -F -d 'leave out what the earlier JSON report in FILE has already, by detector, outcome and server'
complete -c tcptrace -l resolve -r -F -d 'names beside addresses: from FILE, as in /etc/hosts, or with "capture" from the DNS answers in the capture'
complete -c tcptrace -l sockets -r -F -d 'name processes: FILE is what ss -tanpeio printed on a host, once or often, each time after date +%s.%N; repeat it for each host'
complete -c tcptrace -l names -x -a 'rfc netstat ss kb' -d 'write state names in STYLE: rfc, netstat, ss or kb (KB Q137984)'
complete -c tcptrace -l format -x -a 'text json ndjson markdown html csv scenario' -d 'output format NAME: text, json, ndjson, markdown, html, csv or scenario (default text)'
complete -c tcptrace -s o -l output -r -F -d 'write the report to FILE, in the format of its extension; FILE is replaced only when complete'
complete -c tcptrace -l shard -x -d 'do not analyse; split by connection into N shards in the directory of -o, to analyse them anywhere'
complete -c tcptrace -l evidence -x -a '(__fish_complete_directories)' -d 'write to DIR a small pcapng for each finding: only its connection, without payload'
complete -c tcptrace -l evidence-payload -d 'with --evidence: keep the payload'
complete -c tcptrace -l wireshark -x -a '(__fish_complete_directories)' -d 'write to DIR a Lua script and a profile that show findings and states in Wireshark and tshark, beside the packets'
complete -c tcptrace -l anonymize -d 'replace addresses, VLANs and file names, consistently in report and evidence; no payload. Ports, lengths, TTLs and times stay'
complete -c tcptrace -l anonymize-key -r -F -d 'with --anonymize: read the key from FILE (32 bytes or 64 hex digits); the same key gives the same replacements'
complete -c tcptrace -l anonymize-times -d 'with --anonymize: shift times, too, all by the same amount'
complete -c tcptrace -l color -x -a 'auto always never' -d 'use colour WHEN: auto, always or never; NO_COLOR is respected'
complete -c tcptrace -l no-progress -d 'no progress bar'
complete -c tcptrace -s q -l quiet -d 'no warnings and no progress bar'
complete -c tcptrace -s v -l verbose -d 'print what is being done'
complete -c tcptrace -l duration -x -d 'stop after DURATION; ^C stops at any time'
complete -c tcptrace -s w -l write -r -F -d 'save the packets to FILE (pcapng)'
complete -c tcptrace -s C -l rotate-size -x -d 'with -w: start a new file (FILE1, FILE2, ...) after MB million bytes'
complete -c tcptrace -s W -l rotate-files -x -d 'with -C: write at most N files, then overwrite the oldest'
complete -c tcptrace -l metrics -x -d 'serve Prometheus metrics at ADDR, [HOST]:PORT; without HOST, only this machine can read them'
complete -c tcptrace -l processes -d 'ask the kernel which process on this machine has the ends of a finding: PID, descriptor, user, unit or container, queues and state; and why the kernel sent a RST, or dropped a segment (Linux)'
complete -c tcptrace -l fail-on -x -a 'info warning critical never' -d 'exit with status 1 on findings at LEVEL or above: info, warning, critical or never'
complete -c tcptrace -l max-flows -x -d 'track at most N connections at a time'
complete -c tcptrace -l workers -x -d 'use N workers; 0 chooses'
complete -c tcptrace -l completion -x -a 'bash zsh fish' -d 'print the completion script for SHELL: bash, zsh or fish'
complete -c tcptrace -l man -d 'print the manual page, for man -l -'
complete -c tcptrace -l version -d 'print the version'
complete -c tcptrace -s h -l help -d 'print this help'
