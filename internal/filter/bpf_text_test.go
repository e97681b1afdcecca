package filter

import (
	"strings"
	"testing"
)

func TestReadBPF_refusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "line 1: unexpected EOF",
		"tcp port 80\n":                  "line 1: expected up to four unsigned numbers",
		"0\n":                            "line 1: expected the number of instructions",
		"4097\n":                         "line 1: expected the number of instructions",
		"1 2\n6 0 0 0\n":                 "line 1: expected the number of instructions",
		"2\n6 0 0 0\n":                   "line 3: unexpected EOF",
		"1\n6 0 0 0\n6 0 0 0\n":          "line 3: more than the 1 instructions",
		"1\n6 0 0\n":                     "line 2: expected an instruction",
		"1\n6 256 0 0\n":                 "line 2: expected an instruction",
		"1\n6 0 0 -1\n":                  "line 2: expected up to four unsigned numbers",
		"1\n65535 0 0 0\n":               "line 2: unknown instruction 65535",
		"1\n33 0 0 0\n":                  "line 2: unknown instruction 33",  // ldx [0]
		"1\n56 0 0 0\n":                  "line 2: unknown instruction 56",  // ld of no size
		"1\n85 0 0 0\n":                  "line 2: unknown instruction 85",  // a sixth jump
		"1\n140 0 0 0\n":                 "line 2: unknown instruction 140", // neg x
		"1\n180 0 0 0\n":                 "line 2: unknown instruction 180", // after xor
		"1\n40 0 0 12\n":                 "line 2: the last instruction is not a return",
		"2\n21 1 0 0\n6 0 0 0\n":         "line 2: a jump beyond the end",
		"2\n21 0 1 0\n6 0 0 0\n":         "line 2: a jump beyond the end",
		"2\n5 0 0 1\n6 0 0 0\n":          "line 2: a jump beyond the end",
		"2\n5 0 0 4294967295\n6 0 0 0\n": "line 2: a jump beyond the end or back",
		"2\n52 0 0 0\n6 0 0 0\n":         "line 2: division or shift by 0",
		"2\n148 0 0 0\n6 0 0 0\n":        "line 2: division or shift by 0",
		"2\n100 0 0 32\n6 0 0 0\n":       "line 2: division or shift by 32",
		"2\n2 0 0 16\n6 0 0 0\n":         "line 2: scratch word 16 of 16",
		"2\n96 0 0 3\n6 0 0 0\n":         "line 2: scratch word 3 is read",
		// Written on one of two ways only.
		"4\n21 0 1 5\n2 0 0 3\n97 0 0 3\n6 0 0 0\n": "line 4: scratch word 3 is read",
	} {
		_, err := ReadBPF(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestReadBPF_metadata(t *testing.T) {
	// tcpdump -i eth0 -ddd vlan asks the kernel for the tag it took out.
	p, err := ReadBPF(strings.NewReader("4\r\n48 0 0 4294963248\r\n21 0 1 1\r\n6 0 0 262144\r\n6 0 0 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Match(make([]byte, 100), 100) {
		t.Error("a file has kernel metadata")
	}
}
