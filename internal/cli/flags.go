package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// flags are what the command line says, one field per flag.
type flags struct {
	detect        string
	set           []string
	list          bool
	explain       string
	iface         string
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
	flow   string
	states bool
	at     string
	all    bool

	evidence        string
	evidencePayload bool
	anonymize       bool
	anonymizeKey    string

	format    string
	output    string
	shards    int
	splits    bool // --shard was given
	names     string
	undecided bool
	color     string
	quiet     bool
	verbose   bool
	noBar     bool

	failOn    string
	timeWait  time.Duration
	maxFlows  int
	workers   int
	checksums bool
	complete  string
	manual    bool
	version   bool
	help      bool
	files     []string
}

// group is flags that belong together in --help.
type group struct {
	title string
	set   *pflag.FlagSet
}

// define makes the flag set, in groups: the one source of parsing, --help,
// the manual page and shell completion.
func define(f *flags) []group {
	var groups []group
	add := func(title string) *pflag.FlagSet {
		set := pflag.NewFlagSet(title, pflag.ContinueOnError)
		set.SortFlags = false
		groups = append(groups, group{title, set})
		return set
	}
	s := add("What to look at")
	s.StringVarP(&f.iface, "interface", "i", "", "sniff at the interface `IFACE`, or any")
	s.BoolVarP(&f.ifaces, "list-interfaces", "D", false, "list the interfaces")
	s.BoolVarP(&f.noPromiscuous, "no-promiscuous", "p", false, "with -i: only what is meant for this host")
	s.StringVar(&f.filter, "filter", "", "only frames that match `EXPR`, a pcap-filter expression")
	s.StringVar(&f.filterBPF, "filter-bpf", "", "only frames that match the program in `FILE`, as tcpdump -ddd prints it")
	s.BoolVar(&f.checksums, "verify-checksums", false, "leave out segments whose checksum is provably wrong")

	s = add("What to look for")
	s.StringVarP(&f.detect, "detect", "d", "", "`LIST` of detectors: a,b only these; -a,-b all but these")
	s.StringArrayVar(&f.set, "set", nil, "`SLUG.PARAM=VALUE` changes a threshold; may be repeated")
	s.DurationVar(&f.timeWait, "time-wait", engine.DefaultTimeWait, "let TIME_WAIT last for `DURATION` (Linux: 60s; RFC 9293: 4m)")
	s.BoolVar(&f.list, "list", false, "list the detectors")
	s.StringVar(&f.explain, "explain", "", "tell all about the detector `SLUG`, with its sample")

	s = add("What to see")
	s.BoolVar(&f.flows, "flows", false, "one row per connection")
	s.StringVar(&f.flow, "flow", "", "connection `ID` in full: its number, or A:PORT-B:PORT")
	s.BoolVar(&f.states, "states", false, "the sockets of both hosts, as netstat -an would print them")
	s.StringVar(&f.at, "at", "", "with --states: after all frames up to `TIME` (RFC 3339, or +12.5 seconds from the first frame)")
	s.BoolVar(&f.all, "all", false, "with --states: CLOSED ends too")
	s.BoolVar(&f.undecided, "undecided", false, "print what the capture could not decide, too")
	choice(s, &f.names, "names", "rfc", "spell states in the `STYLE` of %s (Q137984)", stateNames)

	s = add("Output")
	choice(s, &f.format, "format", "", "`NAME` of the format: %s (default text)", formatNames())
	s.StringVarP(&f.output, "output", "o", "", "write to `FILE`, in the format of its extension; never half a file")
	s.IntVar(&f.shards, "shard", 0, "judge nothing, but split by connection into `N` shards in the directory of -o, to be judged anywhere")
	s.StringVar(&f.evidence, "evidence", "", "for each finding a small pcapng of just its connection in `DIR`, headers only")
	s.BoolVar(&f.evidencePayload, "evidence-payload", false, "with --evidence: keep the payload")
	s.BoolVar(&f.anonymize, "anonymize", false, "replace addresses and names, the same in report and evidence; no payload")
	s.StringVar(&f.anonymizeKey, "anonymize-key", "", "with --anonymize: the key in `FILE`, 32 bytes or as many in hex, to replace them the same every time")
	choice(s, &f.color, "color", "auto", "`WHEN` to use colour: %s; NO_COLOR is honoured", []string{"auto", "always", "never"})
	s.BoolVar(&f.noBar, "no-progress", false, "no progress bar")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "no warnings and no progress")
	s.BoolVarP(&f.verbose, "verbose", "v", false, "tell what is being done")

	s = add("While sniffing")
	s.DurationVar(&f.duration, "duration", 0, "stop after `DURATION`; ^C stops at any time")
	s.StringVarP(&f.keep, "write", "w", "", "keep what is seen in `FILE`, a pcapng file")
	s.Int64VarP(&f.keepSize, "rotate-size", "C", 0, "with -w: begin FILE1, FILE2, ... once one is larger than `MB` million bytes")
	s.IntVarP(&f.keepMost, "rotate-files", "W", 0, "with -C: `N` files at most, then the first one anew")
	s.StringVar(&f.metrics, "metrics", "", "serve Prometheus metrics at `ADDR`, [HOST]:PORT; without a host, to this machine only")

	s = add("Running")
	choice(s, &f.failOn, "fail-on", "warning", "`LEVEL` from which findings make the exit status 1: %s", failLevels)
	s.IntVar(&f.maxFlows, "max-flows", engine.DefaultMaxFlows, "hold at most `N` connections at a time")
	s.IntVar(&f.workers, "workers", 0, "judge with `N` goroutines; 0 chooses")
	choice(s, &f.complete, "completion", "", "print what completes command lines in the `SHELL` %s", shells)
	s.BoolVar(&f.manual, "man", false, "print the manual page, for man -l -")
	s.BoolVar(&f.version, "version", false, "print the version")
	s.BoolVarP(&f.help, "help", "h", false, "print this")
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
	return f, groups, f.check()
}

// check refuses what contradicts itself before any work is done.
func (f *flags) check() error {
	live, splits := f.iface != "", f.splits
	for _, x := range [...]struct {
		wrong bool
		say   string
	}{
		{f.at != "" && !f.states, "--at goes with --states"},
		{f.all && !f.states, "--all goes with --states"},
		{f.states && f.flow != "", "--states and --flow exclude each other"},
		{f.flows && f.flow != "", "--flows and --flow exclude each other"},
		{f.maxFlows < 1, "--max-flows must be at least 1"},
		{f.workers < 0, "--workers must not be negative"},
		{f.timeWait <= 0, "--time-wait must be positive"},
		{!live && (f.noPromiscuous || f.duration != 0 || f.keep != "" || f.metrics != ""), "-p, --duration, -w and --metrics go with -i"},
		{f.keep == "" && f.keepSize != 0 || f.keepSize == 0 && f.keepMost != 0, "-C goes with -w, and -W with -C"},
		{f.duration < 0 || f.keepSize < 0 || f.keepMost < 0, "--duration, -C and -W must not be negative"},
		{live && f.evidencePayload, "--evidence-payload is for files; while sniffing, headers are remembered, and -w keeps everything"},
		{f.keep != "" && f.keep == f.output, "-w and -o name the same file"},
		{f.keep != "" && f.anonymize, "-w keeps packets as they are, which --anonymize forbids"},
		{live && (f.flow != "" || f.states), "--flow and --states are for files; while sniffing, SIGUSR1 shows the sockets"},
		{f.evidencePayload && (f.evidence == "" || f.anonymize), "--evidence-payload goes with --evidence, and not with --anonymize"},
		{f.anonymizeKey != "" && !f.anonymize, "--anonymize-key goes with --anonymize"},
		{f.filter != "" && f.filterBPF != "", "--filter and --filter-bpf exclude each other"},
		{splits && (f.shards < 1 || f.shards > packed.MaxShards), fmt.Sprintf("--shard %d: between 1 and %d shards can be written", f.shards, packed.MaxShards)},
		{splits && (f.output == "" || f.output == stdinName), "--shard goes with -o DIR, the directory to write shards to"},
		{splits && live, "--shard is for files; while sniffing, -w keeps what was seen"},
		{splits && (f.flows || f.flow != "" || f.states || f.undecided || f.format != "" || f.evidence != "" || f.detect != "" || f.set != nil),
			"--shard judges nothing: what to look for and what to see is said when the shards are judged"},
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
	b.WriteString(`tcptrace says what went wrong in the TCP connections of a capture, which host
did it, and which frames prove it.

  tcptrace [flags] FILE...              read captures (- is standard input); several are one trace
  tcptrace [flags] -i IFACE [filter]    sniff, and tell what goes wrong while it does; ^C reports
  tcptrace --shard N -o DIR FILE...     split by connection; tcptrace DIR/shard-* judges as FILE... would be

pcap and pcapng, also compressed (gzip, zstd, lz4, xz), and scenario text.
`)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, g.set.FlagUsagesWrapped(100))
	}
	b.WriteString(`
Exit status: 0 nothing found at or above --fail-on; 1 something found; 2 some of
the work could not be done (whatever could be done is still reported).
`)
	_, err := io.WriteString(w, b.String())
	return err
}
