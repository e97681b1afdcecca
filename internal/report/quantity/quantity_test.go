package quantity

import "testing"

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0 ms", 20_000: "0.02 ms", 250_000_000: "250 ms", 999_900_000: "1000 ms", 1_230_000_000: "1.23 s", 53_433_900_000: "53.4 s",
		119e9: "119 s", 141_700_000_000: "2 min 22 s", 141_400_000_000: "2 min 21 s", 179_600_000_000: "3 min", 123e9: "2 min 3 s", 180e9: "3 min", 7200e9: "2 h", 11100e9: "3 h 5 min", 11*86400e9 + 4*3600e9: "11 d 4 h",
		-2e9: "-2 s",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("%d ns are %q, want %q", ns, got, want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
