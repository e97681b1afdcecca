package anonymize

import "testing"

func TestHideAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"listen tcp 10.9.9.9:99: bind: cannot assign":                         "listen tcp ADDRESS: bind: cannot assign",
		"10.9.9.9, 10.9.9.8: and 10.9.9.7.":                                   "ADDRESS, ADDRESS: and ADDRESS.",
		"at http://[2001:db8::1]:9100/metrics":                                "at http://[ADDRESS]:9100/metrics",
		"fe80:: and ::1, ::ffff:10.0.0.1":                                     "ADDRESS and ADDRESS, ADDRESS",
		"10.9.9.0/24":                                                         "ADDRESS/24",
		"2026-03-01T13:00:05.25Z frame 3: 1.5 s: at 08:53:31 column 10: 12.5": "2026-03-01T13:00:05.25Z frame 3: 1.5 s: at 08:53:31 column 10: 12.5",
	} {
		if got := HideAddresses(text); got != want {
			t.Errorf("%s\nbecomes\n%s, want\n%s", text, got, want)
		}
	}
}
