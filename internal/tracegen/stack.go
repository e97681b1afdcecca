package tracegen

// A stack is how an operating system sends SYNs.
type stack struct {
	ttl    uint8
	window uint16 // of the SYN
	scale  uint8
	ts     bool // offers timestamps (RFC 7323 3)
	layout []option
}

// An option is one TCP option in a layout.
type option uint8

const (
	optEOL   option = 0
	optNOP   option = 1
	optMSS   option = 2 // RFC 9293 3.7.1
	optScale option = 3 // RFC 7323 2
	optSACK  option = 4 // permitted, RFC 2018 2
	optTS    option = 8 // RFC 7323 3
)

// The stacks, with the order of options by which fingerprinting tools know them.
var (
	linux   = stack{ttl: 64, window: 64240, scale: 7, ts: true, layout: []option{optMSS, optSACK, optTS, optNOP, optScale}}
	windows = stack{ttl: 128, window: 64240, scale: 8, layout: []option{optMSS, optNOP, optScale, optNOP, optNOP, optSACK}}
	darwin  = stack{ttl: 64, window: 65535, scale: 6, ts: true, layout: []option{optMSS, optNOP, optScale, optNOP, optNOP, optTS, optSACK, optEOL, optEOL}}
	// linuxPlain is Linux answering a SYN without timestamps.
	linuxPlain = stack{ttl: 64, window: 64240, scale: 7, layout: []option{optMSS, optNOP, optNOP, optSACK, optNOP, optScale}}
)
