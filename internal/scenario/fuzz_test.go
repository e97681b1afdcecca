package scenario_test

import (
	"bytes"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// FuzzScenario holds that whatever loads is printed as text that loads as the
// same, and makes a capture that reads as the same.
func FuzzScenario(f *testing.F) {
	f.Add([]byte(varied))
	f.Add([]byte(captured))
	f.Add([]byte("A story.\n\n-- trace --\n0 client > server S 0:0(0) win 1 | A B~ # c # want undecided a:b[1] `c`; d\n+1 end\n-- trace --\n-0 other"))
	f.Add([]byte("0 client > server S 0:0(0) win 0 #want undecided`0`"))
	f.Add([]byte("drop 0 a > b R 4294967295:4294967296(1) win 0"))
	f.Add([]byte("host client [::1]:1 {ttl 0,mac 9}\n9.999999999 client > client none -2147483648:-2147483648(0) win 0 <sack -1:4294967295>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := scenario.Parse("x", text)
		if err != nil {
			if !bytes.HasPrefix([]byte(err.Error()), []byte("x:")) || len(err.Error()) > 400 {
				t.Fatalf("error %q", err)
			}
			return
		}
		scenario.RoundTrip(t, file)
		for _, tr := range file.Traces {
			if beyond(tr) {
				continue
			}
			if err := captures(tr); err != nil {
				t.Fatalf("%v\n%s", err, tr.Append(nil))
			}
		}
	})
}

// beyond reports whether the trace has times that no reader accepts.
func beyond(tr *scenario.Trace) bool {
	for i := range tr.Lines {
		if tr.Lines[i].Seg.At > 1<<61 {
			return true
		}
	}
	return false
}
