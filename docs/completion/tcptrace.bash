# Completion of tcptrace's command lines in bash, as tcptrace --completion bash
# prints it. Where nothing is proposed, file names are.

# _tcptrace_list proposes words for the last part of a list with commas, with a
# - in front if that part has one.
_tcptrace_list() {
    local part=${cur##*,}
    local before=${cur%"$part"}
    [[ $part == -* ]] && before+=-
    COMPREPLY=($(compgen -P "$before" -W "$1" -- "${part#-}"))
}

_tcptrace() {
    local cur=${COMP_WORDS[COMP_CWORD]} flag=${COMP_WORDS[COMP_CWORD-1]} word
    COMPREPLY=()
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -- ]] && return
    done
    if [[ $cur == = ]]; then # --flag=
        cur=
    elif [[ $flag == = ]]; then # --flag=word
        flag=${COMP_WORDS[COMP_CWORD-2]}
    fi
    case $flag in
    -i|--interface)
        COMPREPLY=($(compgen -W "any $("${COMP_WORDS[0]}" --list-interfaces 2>/dev/null | cut -f1)" -- "$cur"))
        return ;;
    --filter) return ;;
    --filter-bpf) return ;;
    --from) return ;;
    --to) return ;;
    --tap) return ;;
    -d|--detect)
        _tcptrace_list 'zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole forged-fin early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole dropped-behind-tap ack-delay ack-storm slow-response throughput-limited lost-between injected-between rewritten-between'
        return ;;
    --set)
        COMPREPLY=($(compgen -W 'zero-window-probe-loop.min-probes= zero-window-probe-loop.min-silent= zero-window-deadlock.patience= small-window.patience= small-window.min-fills= small-window.min-cost= unretransmitted-fin.patience= fin-unanswered.min-sends= fin-unanswered.patience= close-wait-leak.idle= half-close-cut.idle= half-close-cut.min-resends= half-close-cut.patience= fin-over-hole.patience= early-reuse.patience= reset-cause.min-idle= syn-unanswered.patience= syn-unanswered.costly= syn-ack-unanswered.patience= syn-ack-unanswered.costly= challenged-syn.patience= challenged-syn.costly= wrong-syn-ack.patience= wrong-syn-ack.costly= slow-connect.limit= slow-connect.costly= no-data.within= retransmissions.min-resent= retransmissions.min-episodes= retransmissions.min-share= retransmissions.min-stall= reordering.min-resent= reordering.min-share= sack-mismatch.min-acks= paws-drops.min-drops= dead-peer.min-keepalives= dead-peer.min-resends= dead-peer.patience= dead-peer.min-outage= idle-blackhole.min-resends= idle-blackhole.min-idle= idle-blackhole.patience= mtu-blackhole.min-resends= mtu-blackhole.min-size= mtu-blackhole.patience= dropped-behind-tap.min-resends= dropped-behind-tap.patience= ack-delay.min-stalls= ack-storm.min-rate= slow-response.min-response= slow-response.max-response= slow-response.min-prompt= slow-response.min-bytes= slow-response.min-unanswered= throughput-limited.min-duration= throughput-limited.min-share= throughput-limited.warn-duration= throughput-limited.warn-share= throughput-limited.max-application=' -- "$cur"))
        compopt -o nospace 2>/dev/null
        return ;;
    --time-wait) return ;;
    --explain)
        COMPREPLY=($(compgen -W 'zero-window-probe-loop zero-window-deadlock window-shrunk window-overrun small-window unretransmitted-fin post-fin-ack-rst fin-unanswered close-wait-leak half-close-cut fin-over-hole forged-fin early-reuse reset-cause forged-reset syn-unanswered syn-ack-unanswered challenged-syn wrong-syn-ack slow-connect no-data retransmissions reordering sack-mismatch paws-drops dead-peer idle-blackhole mtu-blackhole dropped-behind-tap ack-delay ack-storm slow-response throughput-limited lost-between injected-between rewritten-between' -- "$cur"))
        return ;;
    --flow) return ;;
    --at) return ;;
    --severity)
        COMPREPLY=($(compgen -W 'info warning critical' -- "$cur"))
        return ;;
    --sort) return ;;
    --baseline) return ;;
    --resolve) return ;;
    --sockets) return ;;
    --names)
        COMPREPLY=($(compgen -W 'rfc netstat ss kb' -- "$cur"))
        return ;;
    --format)
        COMPREPLY=($(compgen -W 'text json ndjson markdown html csv scenario' -- "$cur"))
        return ;;
    -o|--output) return ;;
    --shard) return ;;
    --evidence) return ;;
    --wireshark) return ;;
    --anonymize-key) return ;;
    --color)
        COMPREPLY=($(compgen -W 'auto always never' -- "$cur"))
        return ;;
    --duration) return ;;
    -w|--write) return ;;
    -C|--rotate-size) return ;;
    -W|--rotate-files) return ;;
    --metrics) return ;;
    --fail-on)
        COMPREPLY=($(compgen -W 'info warning critical never' -- "$cur"))
        return ;;
    --max-flows) return ;;
    --workers) return ;;
    --completion)
        COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur"))
        return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W '-i --interface -D --list-interfaces -p --no-promiscuous --filter --filter-bpf --verify-checksums --from --to --tap --each -d --detect --set --time-wait --list --explain --flows --time --flow --states --at --all --undecided --severity --sort --baseline --resolve --sockets --names --format -o --output --shard --evidence --evidence-payload --wireshark --anonymize --anonymize-key --anonymize-times --color --no-progress -q --quiet -v --verbose --duration -w --write -C --rotate-size -W --rotate-files --metrics --processes --fail-on --max-flows --workers --completion --man --version -h --help' -- "$cur"))
    fi
}

complete -o default -F _tcptrace tcptrace
