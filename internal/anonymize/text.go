package anonymize

import (
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// Address stands for addresses in messages.
const Address = "ADDRESS"

var likeAddress = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+`) })

// HideAddresses replaces IP addresses in a message, with their ports.
func HideAddresses(text string) string {
	return likeAddress().ReplaceAllStringFunc(text, func(word string) string {
		core := strings.TrimRight(word, ".:") // the end of a sentence
		if strings.HasSuffix(word, "::") {
			core = word
		}
		_, err := netip.ParseAddr(core)
		if err != nil {
			_, err = netip.ParseAddrPort(core)
		}
		if err != nil {
			return word
		}
		return Address + word[len(core):]
	})
}
