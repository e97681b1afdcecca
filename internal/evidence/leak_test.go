package evidence_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// original writes the segments, with the secrets in them, into a file with a
// revealing name.
func (s *secrets) original(t *testing.T, segs []reassembly.Segment, end int64, w encapsulation) string {
	t.Helper()
	var b bytes.Buffer
	out := pcapng.NewWriter(&b)
	out.Begin(pcapng.Section{})
	tap, _ := out.Interface(pcapng.Interface{Link: w.link})
	for _, seg := range segs {
		frame := s.frame(seg, w)
		out.Packet(&pcapng.Packet{Interface: tap, At: seg.At, Data: frame, Len: len(frame)})
	}
	out.End(end)
	name := filepath.Join(t.TempDir(), "acme-bank.pcapng")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// forms are all secrets, as text and as bytes.
func (s *secrets) forms(segs []reassembly.Segment) map[string][]byte {
	forms := map[string][]byte{"the file's name": []byte("acme-bank")}
	add := func(what string, b []byte) { forms[fmt.Sprintf("%s % x", what, b)] = b }
	for _, h := range s.hosts {
		a := netip.AddrFrom16(h).Unmap()
		add("the address", a.AsSlice())
		add("in text, the address", []byte(a.String()))
		if a.Is6() {
			add("half the address", h[8:])
			add("in text, the address", []byte(a.StringExpanded()))
		}
	}
	for _, m := range s.macs {
		add("the link-layer address", m[:])
		add("in text, the link-layer address", []byte(net.HardwareAddr(m[:]).String()))
	}
	for _, o := range s.outer {
		add("the tunnel's address", o[:])
		add("in text, the tunnel's address", []byte(netip.AddrFrom4(o).String()))
	}
	twice := append(s.payload[:], s.payload[:]...)
	for i := range s.payload {
		add("payload", twice[i:i+6])
	}
	for _, seg := range segs {
		if seg.Flags&reassembly.SYN != 0 {
			s.number(&seg)
			if b := binary.BigEndian.AppendUint32(nil, uint32(seg.Seq)); bytes.ContainsFunc(b, notALetter) { // else it may be a word
				add("the initial sequence number", b)
			}
		}
	}
	return forms
}

func notALetter(r rune) bool { return r < 'a' || r > 'z' }

var formats = map[string]func(io.Writer, *result.Report, report.Options) error{
	"text": report.Text, "json": report.JSON, "ndjson": report.NDJSON, "markdown": report.Markdown, "html": report.HTML, "csv": report.CSV,
}

// outputs are all that is printed and written of a capture, by name.
func outputs(t *testing.T, name string, m *anonymize.Mapper) map[string][]byte {
	t.Helper()
	trace, err := opener(name)()
	if err != nil {
		t.Fatal(err)
	}
	defer trace.Close()
	var steps []result.Step
	r := engine.Run(context.Background(), trace, engine.Options{
		Detectors: catalogue.All, AllFlows: true, Rewrite: m.Segment,
		Follow: &engine.Follow{ID: 1, Step: func(s result.Step) { steps = append(steps, s) }},
	})
	names := anonymize.NewNames([]string{name})
	names.Captures(r.Captures)
	all := map[string][]byte{}
	print := func(format string, write func(io.Writer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		all[format] = b.Bytes()
	}
	o := report.Options{Undecided: true, Flows: true}
	for format, write := range formats {
		print(format, func(w io.Writer) error { return write(w, r, o) })
	}
	if len(r.Flows) > 0 {
		one := *r
		one.Flows = r.Flows[:1]
		print("flow text", func(w io.Writer) error { return report.FlowText(w, &one, steps, o) })
		print("flow json", func(w io.Writer) error { return report.FlowJSON(w, &one, steps, o) })
	}
	files := prove(t, evidence.Options{Anonymize: m, Payload: true, Files: []string{names.Of(name)}}, m.Segment, name)
	for _, f := range files {
		content, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		all["evidence "+filepath.Base(f.Path)] = content
	}
	return all
}

// Nothing of the original survives anywhere, through all encapsulations.
func TestAnonymize_nothingSurvives(t *testing.T) {
	all := scenarios(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if race.Enabled && i%4 != 0 { // see each
			continue
		}
		w := encapsulations[i%len(encapsulations)]
		t.Run(name+" "+w.name, func(t *testing.T) {
			segs, end := segments(t, all[name])
			s := newSecrets(uint64(i))
			original := s.original(t, segs, end, w)
			m := s.mapper(byte(i))
			forms := s.forms(segs)
			there := 0
			plain, err := os.ReadFile(original)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range forms {
				if bytes.Contains(plain, secret) {
					there++
				}
			}
			if there == 0 && len(segs) > 0 {
				t.Error("the original does not contain the secrets")
			}
			for output, content := range outputs(t, original, m) {
				for what, secret := range forms {
					if bytes.Contains(content, secret) {
						t.Errorf("%s contains %s", output, what)
					}
				}
			}
		})
	}
}

// With other addresses all findings stay the same. Only that a host's IPv4
// identifications begin anew near zero cannot be seen any more.
func TestAnonymize_sameFindings(t *testing.T) {
	account := func(name string, rewrite func(*reassembly.Segment)) (account []string) {
		r, err := analyse(opener(name), rewrite)
		if err != nil {
			t.Fatal(err)
		}
		for i := range r.Findings {
			f := &r.Findings[i]
			account = append(account, fmt.Sprint(f.Start, f.Detector, f.Outcome, f.Verdict, f.Severity, f.States, f.Limits, f.Metrics))
		}
		for i := range r.Flows {
			f := &r.Flows[i]
			account = append(account, fmt.Sprint(f.First, f.Last, f.State, f.Ending, f.Packets, f.Bytes, f.Rexmits, f.RTT, f.History, f.Limits))
		}
		slices.Sort(account)
		return account
	}
	for name, content := range each(t) {
		original := save(t, content)
		if segs, _ := segments(t, content); slices.ContainsFunc(segs, restarted) {
			continue
		}
		want := account(original, nil)
		for seed := range byte(3) {
			if got := account(original, anonymize.New(anonymize.Key{seed}).Segment); !slices.Equal(got, want) {
				t.Errorf("%s gives\n%q, want\n%q", name, got, want)
			}
		}
	}
}

// restarted says whether the segment may be the RST of a host that counts its packets anew.
func restarted(seg reassembly.Segment) bool {
	return seg.Flags&reassembly.RST != 0 && seg.IPID > 0 && seg.IPID < 64
}

// Frames cut after the TCP header keep all of the headers and no payload, in all
// encapsulations.
func TestWrite_headersOnly(t *testing.T) {
	segs, end := segments(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	for i := range segs {
		segs[i].Opts = reassembly.Options{Has: reassembly.HasTimestamps, TSVal: uint32(i), NBlocks: 1, Blocks: [4]reassembly.Block{{From: 1, To: 2}}}
	}
	for i, w := range encapsulations {
		t.Run(w.name, func(t *testing.T) {
			s := newSecrets(uint64(i))
			original := s.original(t, segs, end, w)
			for _, f := range prove(t, evidence.Options{}, nil, original) {
				content, err := os.ReadFile(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				got, _ := segments(t, content)
				if len(got) != len(segs) {
					t.Fatalf("%d frames of %d", len(got), len(segs))
				}
				for j := range got {
					want := segs[j]
					s.number(&want)
					if got[j].Opts != want.Opts || got[j].Len != want.Len {
						t.Errorf("got  %+v\nwant %+v", got[j], want)
					}
				}
				if bytes.Contains(content, s.payload[:4]) {
					t.Error("payload is there")
				}
			}
		})
	}
}
