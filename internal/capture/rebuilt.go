package capture

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// rebuilt begins the description of an interface whose frames were rebuilt from
// text. What is missing follows, so that a file of such frames proves no more
// than the text.
const rebuilt = "rebuilt from text"

var missingNames = [...]string{"IP identification and TTL", "sequence number", "window", "time"}

const segmentsMissing = "; segments before it are missing"

// DescribeMissing describes an interface of frames that were rebuilt from text.
// A pcapng file with this description gives frames with the same Missing.
func DescribeMissing(m reassembly.Missing) string {
	var names []string
	for i, name := range missingNames {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	description := rebuilt
	if len(names) > 0 {
		description += "; guessed: " + strings.Join(names, ", ")
	}
	if m&reassembly.MissingSegments != 0 {
		description += segmentsMissing
	}
	return description
}

// missingFrom reads such a description. Any other is not of text.
func missingFrom(description string) (text bool, m reassembly.Missing) {
	if !strings.HasPrefix(description, rebuilt) {
		return false, 0
	}
	for i, name := range missingNames {
		if strings.Contains(description, name) {
			m |= 1 << i
		}
	}
	if strings.Contains(description, segmentsMissing) {
		m |= reassembly.MissingSegments
	}
	return true, m
}
