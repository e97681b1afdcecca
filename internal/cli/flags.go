package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

// flags are the parsed command line, one field per flag.
type flags struct {
	detect        string
	set           []string
	list          bool
	explain       string
	iface         string   // the first of interfaces
	interfaces    []string // several are taps
	ifaces        bool
	noPromiscuous bool
	duration      time.Duration
	keep          string
	keepSize      int64
	keepMost      int
	metrics       string

	filter    string
	filterBPF string

	flows  bool
	time   bool
	flow   string
	states bool
	at     string
	all    bool
	from   string
	to     string

	evidence        string
	evidencePayload bool
	wireshark       string
	anonymize       bool
	anonymizeKey    string
	anonymizeTimes  bool

	format    string
	output    string
	shards    int
	splits    bool // --shard was given
	names     string
	undecided bool
	severity  string
	sort      string
	baseline  string
	resolve   string
	sockets   []string
	processes bool
	color     string
	quiet     bool
	verbose   bool
	noBar     bool

	failOn    string
	timeWait  time.Duration
	maxFlows  int
	workers   int
	checksums bool
	taps      []string
	each      bool
	named     []taps.Named // of taps
	complete  string
	manual    bool
	version   bool
	help      bool
	files     []string
}

// group is a section of --help.
type group struct {
	title string
	set   *pflag.FlagSet
}

// define defines all flags. Parsing, --help, the manual page and shell completion
// are made from it.
func define(f *flags) []group {
	var groups []group
	add := func(title string) *pflag.FlagSet {
		set := pflag.NewFlagSet(title, pflag.ContinueOnError)
		set.SortFlags = false
		groups = append(groups, group{title, set})
		return set
	}
	s := add("Input")
	s.StringArrayVarP(&f.interfaces, "interface", "i", nil, "capture live from the interface `IFACE`, or any; from several, what comes in at one and does not go out at another")
	s.BoolVarP(&f.ifaces, "list-interfaces", "D", false, "list the interfaces")
	s.BoolVarP(&f.noPromiscuous, "no-promiscuous", "p", false, "with -i: do not put the interface into promiscuous mode")
	s.StringVar(&f.filter, "filter", "", "only frames that match the pcap-filter expression `EXPR`")
	s.StringVar(&f.filterBPF, "filter-bpf", "", "only frames that match the BPF program in `FILE`, as tcpdump -ddd prints it")
	s.BoolVar(&f.checksums, "verify-checksums", false, "ignore segments whose checksum is provably wrong")

	s.StringVar(&f.from, "from", "", "only findings that show a frame at or after `TIME`, as for --at; earlier frames still count for states")
	s.StringVar(&f.to, "to", "", "the trace ends at `TIME`, as for --at: later frames are left out")
	s.StringArrayVar(&f.taps, "tap", nil, "the captures in `NAME=FILE[,FILE]` were taken at one place; repeat it for each place on the path")
	s.BoolVar(&f.each, "each", false, "the files have nothing to do with each other: analyse each by itself, in one report")

	s = add("Detection")
	s.StringVarP(&f.detect, "detect", "d", "", "run only the detectors in `LIST` (a,b), or all but these (-a,-b)")
	s.StringArrayVar(&f.set, "set", nil, "change a threshold: `SLUG.PARAM=VALUE`; may be repeated")
	s.DurationVar(&f.timeWait, "time-wait", engine.DefaultTimeWait, "assume that TIME_WAIT lasts for `DURATION` (Linux: 60s; RFC 9293: 4m)")
	s.BoolVar(&f.list, "list", false, "list the detectors")
	s.StringVar(&f.explain, "explain", "", "describe the detector `SLUG` and show its sample")

	s = add("View")
	s.BoolVar(&f.flows, "flows", false, "print one row per connection")
	s.BoolVar(&f.time, "time", false, "print where the time went, per connection and per host")
	s.StringVar(&f.flow, "flow", "", "print connection `ID` in full: its number in --flows, or A:PORT-B:PORT")
	s.BoolVar(&f.states, "states", false, "print the sockets of both hosts, as netstat -an would")
	s.StringVar(&f.at, "at", "", "with --states: the states at `TIME` (RFC 3339; +12.5 for seconds from the first frame; or of the clock, 08:53:31 or 08:53:31+02:00)")
	s.BoolVar(&f.all, "all", false, "with --states: include CLOSED sockets")
	s.BoolVar(&f.undecided, "undecided", false, "also print findings that the capture cannot prove")
	choice(s, &f.severity, "severity", "", "print only findings of `LEVEL` and above: %s", failLevels[:3])
	s.StringVar(&f.sort, "sort", "", "order findings by `KEY`: "+strings.Join(report.FindingOrders, ", ")+"; connections of --flows by "+strings.Join(report.FlowOrders, ", "))
	s.StringVar(&f.baseline, "baseline", "", "leave out what the earlier JSON report in `FILE` has already, by detector, outcome and server")
	s.StringVar(&f.resolve, "resolve", "", "names beside addresses: from `FILE`, as in /etc/hosts, or with \"capture\" from the DNS answers in the capture")
	s.StringArrayVar(&f.sockets, "sockets", nil, "name processes: `FILE` is what ss -tanpeio printed on a host, once or often, each time after date +%s.%N; repeat it for each host")
	choice(s, &f.names, "names", "rfc", "write state names in `STYLE`: %s (KB Q137984)", stateNames)

	s = add("Output")
	choice(s, &f.format, "format", "", "output format `NAME`: %s (default text)", formatNames())
	s.StringVarP(&f.output, "output", "o", "", "write the report to `FILE`, in the format of its extension; FILE is replaced only when complete")
	s.IntVar(&f.shards, "shard", 0, "do not analyse; split by connection into `N` shards in the directory of -o, to analyse them anywhere")
	s.StringVar(&f.evidence, "evidence", "", "write to `DIR` a small pcapng for each finding: only its connection, without payload")
	s.BoolVar(&f.evidencePayload, "evidence-payload", false, "with --evidence: keep the payload")
	s.StringVar(&f.wireshark, "wireshark", "", "write to `DIR` a Lua script and a profile that show findings and states in Wireshark and tshark, beside the packets")
	s.BoolVar(&f.anonymize, "anonymize", false, "replace addresses, VLANs and file names, consistently in report and evidence; no payload. Ports, lengths, TTLs and times stay")
	s.StringVar(&f.anonymizeKey, "anonymize-key", "", "with --anonymize: read the key from `FILE` (32 bytes or 64 hex digits); the same key gives the same replacements")
	s.BoolVar(&f.anonymizeTimes, "anonymize-times", false, "with --anonymize: shift times, too, all by the same amount")
	choice(s, &f.color, "color", "auto", "use colour `WHEN`: %s; NO_COLOR is respected", []string{"auto", "always", "never"})
	s.BoolVar(&f.noBar, "no-progress", false, "no progress bar")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "no warnings and no progress bar")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "print what is being done")

	s = add("Live capture")
	s.DurationVar(&f.duration, "duration", 0, "stop after `DURATION`; ^C stops at any time")
	s.StringVarP(&f.keep, "write", "w", "", "save the packets to `FILE` (pcapng)")
	s.Int64VarP(&f.keepSize, "rotate-size", "C", 0, "with -w: start a new file (FILE1, FILE2, ...) after `MB` million bytes")
	s.IntVarP(&f.keepMost, "rotate-files", "W", 0, "with -C: write at most `N` files, then overwrite the oldest")
	s.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at `ADDR`, [HOST]:PORT; without HOST, only this machine can read them")

	s.BoolVar(&f.processes, "processes", false, "ask the kernel which process on this machine has the ends of a finding: PID, descriptor, user, unit or container, queues and state; and why the kernel sent a RST, or dropped a segment (Linux)")

	s = add("General")
	choice(s, &f.failOn, "fail-on", "warning", "exit with status 1 on findings at `LEVEL` or above: %s", failLevels)
	s.IntVar(&f.maxFlows, "max-flows", engine.DefaultMaxFlows, "track at most `N` connections at a time")
	s.IntVar(&f.workers, "workers", 0, "use `N` workers; 0 chooses")
	choice(s, &f.complete, "completion", "", "print the completion script for `SHELL`: %s", shells)
	s.BoolVar(&f.manual, "man", false, "print the manual page, for man -l -")
	s.BoolVar(&f.version, "version", false, "print the version")
	s.BoolVarP(&f.help, "help", "h", false, "print this help")
	return groups
}

// parse reads the command line.
func parse(args []string) (*flags, []group, error) {
	f := new(flags)
	groups := define(f)
	all := pflag.NewFlagSet("tcptrace", pflag.ContinueOnError)
	all.SetOutput(io.Discard)
	for _, g := range groups {
		all.AddFlagSet(g.set)
	}
	if err := all.Parse(args); err != nil {
		return f, groups, err
	}
	f.files = all.Args()
	f.splits = all.Changed("shard")
	if err := checkChoices(all); err != nil {
		return f, groups, err
	}
	if len(f.interfaces) > 0 {
		f.iface = f.interfaces[0]
	}
	if err := f.addTaps(); err != nil {
		return f, groups, err
	}
	return f, groups, f.check()
}

// check refuses combinations of flags that make no sense, before any work.
func (f *flags) check() error {
	live, splits := f.iface != "", f.splits
	for _, x := range [...]struct {
		wrong bool
		say   string
	}{
		{f.at != "" && !f.states, "--at needs --states"},
		{f.all && !f.states, "--all needs --states"},
		{f.states && f.flow != "", "--states and --flow cannot be combined"},
		{f.flows && f.flow != "", "--flows and --flow cannot be combined"},
		{f.at != "" && f.to != "", "--at and --to cannot be combined: both end the trace"},
		{live && (f.from != "" || f.to != "" || f.baseline != "" || f.severity != "" || f.sort != ""), "--from, --to, --severity, --sort and --baseline are for files"},
		{f.resolve != "" && f.anonymize, "--resolve names what --anonymize hides"},
		{live && f.resolve == resolveCapture, "--resolve capture is for files"},
		{live && f.sockets != nil, "--sockets is for files: with -i, --processes asks the kernel itself"},
		{f.states && f.sockets != nil, "--sockets adds to findings and connections, not to --states"},
		{f.maxFlows < 1, "--max-flows must be at least 1"},
		{f.workers < 0, "--workers must not be negative"},
		{f.timeWait <= 0, "--time-wait must be positive"},
		{!live && (f.noPromiscuous || f.duration != 0 || f.keep != "" || f.metrics != "" || f.processes), "-p, --duration, -w, --metrics and --processes need -i"},
		{f.keep == "" && f.keepSize != 0 || f.keepSize == 0 && f.keepMost != 0, "-C needs -w, and -W needs -C"},
		{f.duration < 0 || f.keepSize < 0 || f.keepMost < 0, "--duration, -C and -W must not be negative"},
		{live && f.evidencePayload, "--evidence-payload is for files; a live capture remembers headers only, use -w to keep everything"},
		{f.keep != "" && f.keep == f.output, "-w and -o name the same file"},
		{f.keep != "" && f.anonymize, "-w saves packets unchanged, which --anonymize forbids"},
		{live && (f.flow != "" || f.states), "--flow and --states are for files; during a live capture, SIGUSR1 prints the sockets"},
		{f.evidencePayload && (f.evidence == "" || f.anonymize), "--evidence-payload needs --evidence, and cannot be combined with --anonymize"},
		{live && f.wireshark != "", "--wireshark is for files: save the packets with -w, and analyse that file"},
		{f.wireshark != "" && f.anonymize, "--wireshark shows findings beside the original packets, which --anonymize forbids"},
		{f.anonymizeKey != "" && !f.anonymize, "--anonymize-key needs --anonymize"},
		{f.anonymizeTimes && !f.anonymize, "--anonymize-times needs --anonymize"},
		{f.anonymizeTimes && live, "--anonymize-times is for files: a live report is of now"},
		{f.filter != "" && f.filterBPF != "", "--filter and --filter-bpf cannot be combined"},
		{splits && (f.shards < 1 || f.shards > packed.MaxShards), fmt.Sprintf("--shard %d: the number of shards must be between 1 and %d", f.shards, packed.MaxShards)},
		{splits && (f.output == "" || f.output == stdinName), "--shard needs -o DIR, the directory to write the shards to"},
		{f.each && (f.taps != nil || live), "--each cannot be combined with --tap and -i"},
		{f.taps != nil && live, "--tap is for files"},
		{splits && f.each, "--shard splits one trace: it cannot be combined with --each"},
		{len(f.interfaces) > 1 && (f.metrics != "" || f.processes || f.keepSize != 0), "--metrics, --processes and -C are for one interface"},
		{len(f.interfaces) > 1 && slices.Contains(f.interfaces, "any"), "any stands for all interfaces: it cannot be combined with others"},
		{len(f.interfaces) > 1 && len(slices.Compact(slices.Sorted(slices.Values(f.interfaces)))) < len(f.interfaces), "-i names an interface twice"},
		{splits && live, "--shard is for files; use -w to save a live capture"},
		{splits && (f.flows || f.flow != "" || f.states || f.undecided || f.format != "" || f.evidence != "" || f.wireshark != "" || f.detect != "" || f.set != nil || f.from != "" || f.to != "" || f.severity != "" || f.sort != "" || f.baseline != "" || f.resolve != "" || f.sockets != nil),
			"--shard only splits: say what to detect and what to print when you analyse the shards"},
	} {
		if x.wrong {
			return errors.New(x.say)
		}
	}
	return nil
}

// usage prints --help.
func usage(w io.Writer, groups []group) error {
	var b strings.Builder
	b.WriteString(`tcptrace reports what went wrong in the TCP connections of a capture, which host
is responsible, and which frames prove it.

  tcptrace [flags] FILE...              analyse captures (- is standard input; a directory: those in it); several are one trace
  tcptrace [flags] -i IFACE [filter]    analyse live traffic; print findings as they occur, a report on ^C
  tcptrace --shard N -o DIR FILE...     split by connection; tcptrace DIR/shard-* gives the report of FILE...

Captures are pcap, pcapng, snoop, Network Monitor or ERF files, also compressed (gzip,
zstd, lz4, xz), or text that tcpdump, tshark or FortiGate printed; --man tells more.
`)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.set.FlagUsagesWrapped(100))
	}
	b.WriteString(`
Exit status: 0 no findings at or above --fail-on; 1 findings; 2 some of the work
could not be done (partial results are still reported), or no TCP segment was analysed.
`)
	_, err := io.WriteString(w, b.String())
	return err
}
