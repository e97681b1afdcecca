package anonymize

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

func TestNames(t *testing.T) {
	files := []string{"/data/acme corp/bank.PCAP.gz", "bank.PCAP.gz.1", "-", "trace", "x.acme", "tmp/y.pcapng"}
	n := NewNames(files)
	for file, want := range map[string]string{
		"/data/acme corp/bank.PCAP.gz": "capture-1.pcap.gz",
		"bank.PCAP.gz.1":               "capture-2",
		"-":                            "-",
		"trace":                        "capture-4",
		"x.acme":                       "capture-5",
		"tmp/y.pcapng":                 "capture-6.pcapng",
	} {
		if got := n.Of(file); got != want {
			t.Errorf("%s becomes %s, want %s", file, got, want)
		}
	}
	for text, want := range map[string]string{
		"open /data/acme corp/bank.PCAP.gz: no such file":   "open capture-1.pcap.gz: no such file",
		"bank.PCAP.gz: frame 3: a block claims 5 bytes":     "capture-1.pcap.gz: frame 3: a block claims 5 bytes",
		`"bank.PCAP.gz.1" and (tmp/y.pcapng), y.pcapng.`:    `"capture-2" and (capture-6.pcapng), capture-6.pcapng.`,
		"the tracer retraces a trace; trace_2 and trace.x ": "the tracer retraces a capture-4; trace_2 and trace.x ",
		"in /elsewhere/y.pcapng":                            "in /elsewhere/capture-6.pcapng",
		"nothing - at all":                                  "nothing - at all",
	} {
		if got := n.In(text); got != want {
			t.Errorf("%s\nbecomes\n%s, want\n%s", text, got, want)
		}
	}
	n.Add("acme/out.json", "output")
	n.Add("", "nothing")
	if got := n.In("open acme/out.json: out.json in acme"); got != "open output: output in acme" {
		t.Errorf("what was added becomes %s", got)
	}
	captures := []result.Capture{{File: "trace", Warnings: []string{"trace: is cut"}}}
	n.Captures(captures)
	if c := captures[0]; c.File != "capture-4" || c.Warnings[0] != "capture-4: is cut" {
		t.Errorf("the report has %+v", c)
	}
}
