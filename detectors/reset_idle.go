package detectors

import "fmt"

// idleDefault is the longest of the well-known idle timeouts that a silence has
// outlived, give or take the second in which it is measured; and whether it is
// so close that the silence hardly outlived it by chance.
func idleDefault(idle int64) (s int, who string, close bool) {
	for _, d := range idleDefaults {
		if at := int64(d.s) * 1e9; idle >= at-1e9 {
			s, who, close = d.s, d.who, idle <= at+at/10
		}
	}
	return s, who, close
}

// idleWords says which of them a silence fits.
func idleWords(idle int64) string {
	s, who, close := idleDefault(idle)
	switch {
	case s == 0:
		return ""
	case close:
		return fmt.Sprintf("just past the %d s of %s", s, who)
	}
	return fmt.Sprintf("longer than the %d s of %s", s, who)
}

// onTheDot says whether a silence ended just when one of them did: then it may
// have been a middlebox that ended it.
func onTheDot(idle int64) bool {
	for _, d := range idleDefaults {
		if at := int64(d.s) * 1e9; idle >= at-1e9 && idle <= at+at/50+1e9 {
			return true
		}
	}
	return false
}
