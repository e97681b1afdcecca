// Package services knows what verdicts depend on of services at well-known ports.
package services

// HTTPS is where HTTP/2 is spoken in TLS.
const HTTPS = 443

// longestAlert is how long a close_notify is within TLS 1.3 (24 bytes) or with AES-GCM within TLS 1.2 (31); a request of HTTP/2
// takes more.
const longestAlert = 31

// MayBeCloseNotify reports whether so many bytes of payload, to or from the port, may be a close_notify of TLS (RFC 8446 6.1),
// which says only that its sender sends no more.
func MayBeCloseNotify(port uint16, payload uint32) bool {
	return port == HTTPS && payload > 0 && payload <= longestAlert
}

// HasLDAP reports whether LDAP, or a global catalog of Active Directory, has the port,
// in the clear or in TLS.
func HasLDAP(port uint16) bool { return port == 389 || port == 636 || port == 3268 || port == 3269 }

// AnswersAtOnce reports whether the port is that of a protocol in which no request waits for news: SSH, LDAP, LDAP within TLS, and those
// that never do. What is new is pushed there, if at all.
func AnswersAtOnce(port uint16) bool {
	return port == 22 || port == 389 || port == 636 || NeverWaits(port)
}

// NeverWaits reports whether the port is that of a protocol in which no request waits for news, however late its answer comes: FTP,
// SMTP, DNS, POP3, SMTP within TLS, submission, FTP and POP3 within TLS, MySQL, PostgreSQL. SSH may carry another protocol, and a search
// of LDAP may stay open for what changes.
func NeverWaits(port uint16) bool {
	switch port {
	case 21, 25, 53, 110, 465, 587, 990, 995, 3306, 5432:
		return true
	}
	return false
}

// FTP reports whether the port is where FTP takes commands, within TLS or not. What a command transfers has a connection of its own
// (RFC 959 2.3).
func FTP(port uint16) bool { return port == 21 || port == 990 }

// Greets reports whether the port is that of a protocol in which the server speaks first, and the client asks all the same:
// FTP, SSH, Telnet, SMTP, POP3, NNTP, IMAP, submission, MySQL.
func Greets(port uint16) bool {
	switch port {
	case 21, 22, 23, 25, 110, 119, 143, 587, 3306:
		return true
	}
	return false
}

// ShortestHTTP is how much payload a request of HTTP has at least, with the names of the resource, the host and the client. What a
// WebSocket or a stream of events sends after it is often shorter.
const ShortestHTTP = 100

// HTTP reports whether the port is one of HTTP, within TLS or not.
func HTTP(port uint16) bool { return port == 80 || port == HTTPS || port == 8080 }

// MayAcknowledge reports whether so many bytes of payload to the port may be no request but the acknowledgment of what the
// server has just sent: 9 bytes for SETTINGS of HTTP/2, 17 for PING (RFC 9113 6.5, 6.7), in a TLS
// record of 22 bytes more (TLS 1.3), or 29 (an explicit nonce, RFC 5288 3).
func MayAcknowledge(port uint16, payload uint32) bool {
	return port == HTTPS && (payload == 9+22 || payload == 17+22 || payload == 9+29 || payload == 17+29)
}

// LongestAck is the most payload of an acknowledgment of a message within TLS: WINDOW_UPDATE of HTTP/2 for a stream and for
// the connection, of 13 bytes each (RFC 9113 6.9), in a record of 29 bytes more.
const LongestAck = 2*13 + 29

// Streams reports whether the port is that of a protocol for media that are sent as fast as they are played: RTSP, RTMP.
func Streams(port uint16) bool { return port == 554 || port == 1935 }

// Forwards reports whether the port is that of a proxy to which clients connect on purpose: SOCKS, Squid. It waits for the
// server behind it.
func Forwards(port uint16) bool { return port == 1080 || port == 3128 }
