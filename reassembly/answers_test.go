package reassembly

import (
	"strings"
	"testing"
)

// Answers count what arrived, and no more.
func TestAnswers(t *testing.T) {
	for _, x := range []struct{ name, steps, want string }{
		// s1: segment 1 is sent; S1: it is sent again; a1: it is acknowledged; u1: likewise, with another window. 1 to 3 are in flight at first.
		{"each copy is answered", "S1 a1 a2 a3 s4 s5 a3 a4 a5", "1"},
		{"only one moves after the copy's", "S1 a1 a2 a3 s4 a3 a4", ""},
		{"the copy was lost, or its ACK", "S1 a1 a2 a3 s4 s5 a4 a5", ""},
		{"the original was lost", "S1 a3 s4 s5 a4 a5", ""},
		{"the window opened", "S1 a1 a2 a3 s4 s5 u3 a4 a5", ""},
		{"two were lost later, and not what follows", "S1 a3 s4 s5 s6 a3 S4 a4 S5 a6 s7 a7", ""},
		{"a duplicate of what was in flight", "S1 a0 a3 s4 s5 a3 a4 a5", ""},
		{"beyond what was in flight", "S1 s4 a4 a4", ""},
		{"two copies", "S1 a1 a2 a3 S2 S2 s4 s5 a3 a3 a3 a4 a5", "1 2 2"},
		{"two copies, one lost", "S1 a1 a2 a3 S2 S2 s4 s5 a3 a3 a4 a5", ""},
		{"an ACK for two", "S1 a1 a2 a3 s4 s5 a3 a5", ""},
		{"an ACK too many", "S1 a3 a3 a3 s4 s5 a4 a5", ""},
		{"an older ACK", "S1 a3 a3 s4 s5 a2 a4 a5", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			var a Answers
			a.Begin(0, 3)
			var got []string
			for _, s := range strings.Fields(x.steps) {
				n := Seq(s[1] - '0')
				switch {
				case !a.Counting():
				case s[0] == 's':
					a.Send(n, 0)
				case s[0] == 'S':
					a.Send(n, uint32(n))
				default:
					for _, s := range a.Ack(n, s[0] == 'u') {
						if s.Again != 0 {
							got = append(got, string(rune('0'+s.Again)))
						}
					}
				}
			}
			if got := strings.Join(got, " "); got != x.want {
				t.Errorf("sent again and arrived: %q, want %q", got, x.want)
			}
		})
	}
}

// A list that is full counts no further.
func TestAnswersAreBounded(t *testing.T) {
	var a Answers
	a.Begin(0, 0)
	for i := range Seq(mostAnswers) {
		a.Send(i+1, uint32(i))
	}
	if !a.Counting() {
		t.Fatal("ended too early")
	}
	if a.Send(100, 0); a.Counting() {
		t.Error("counts without room")
	}
}
