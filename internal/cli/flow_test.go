package cli

import "testing"

func TestParseFlow(t *testing.T) {
	for _, value := range []string{"1", "18446744073709551615", "10.0.0.1:80-10.0.0.2:90", "[::1]:80-[::2]:90"} {
		if _, err := parseFlow(value); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{"", "0", "-1", "x", "1.5", "10.0.0.1:80", "10.0.0.1-10.0.0.2", "10.0.0.1:80-", "::1:80-::2:90", "10.0.0.1:80-10.0.0.2:90000"} {
		if f, err := parseFlow(value); err == nil {
			t.Errorf("%q is taken as %+v", value, f)
		}
	}
}
