package decode

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// oracle computes a TCP checksum word by word, as RFC 1071 section 4.1 does.
func oracle(addresses, segment []byte) uint16 {
	var sum uint32
	for _, b := range [][]byte{addresses, be32(protoTCP, uint32(len(segment))), segment} {
		for ; len(b) > 0; b = b[min(2, len(b)):] {
			sum += uint32(b[0]) << 8
			if len(b) > 1 {
				sum += uint32(b[1])
			}
			sum = sum&0xffff + sum>>16
		}
	}
	return ^uint16(sum)
}

// summed returns an IP packet around TCP with the right TCP checksum.
func summed(packet []byte) []byte {
	packet = slices.Clone(packet)
	addresses, segment := packet[12:20], packet[20:]
	if packet[0]>>4 == 6 {
		addresses, segment = packet[8:40], packet[40:]
	}
	binary.BigEndian.PutUint16(segment[16:], 0)
	binary.BigEndian.PutUint16(segment[16:], oracle(addresses, segment))
	return packet
}

// withSum returns an IPv4 packet around TCP with this checksum field.
func withSum(packet []byte, sum uint16) []byte {
	packet = slices.Clone(packet)
	binary.BigEndian.PutUint16(packet[36:], sum)
	return packet
}

func TestVerifyChecksums(t *testing.T) {
	odd := ipv4(protoTCP, tcp(timestamps, data[:19]))
	good, good6 := summed(odd), summed(ipv6(protoTCP, tcp(nil, data)))
	bad, bad6 := edit(good, 60, 'X'), edit(good6, 65, 'X')
	other := edit(good, 12, 11) // another sender's, and wrong
	pseudo := ^oracle(good[12:20], make([]byte, len(good)-20))
	noLength := ^oracle(good[12:20], nil)
	cut := append([]byte(nil), bad[:55]...)

	type step struct {
		name  string
		frame []byte
		want  Reason
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"all good", []step{{"first", good, OK}, {"second", good, OK}}},
		{"damaged", []step{{"good", good, OK}, {"bad", bad, BadChecksum}, {"good again", good, OK}}},
		{"damaged ipv6", []step{{"good", good6, OK}, {"bad", bad6, BadChecksum}}},
		{"offloading", []step{{"bad", bad, OK}, {"bad again", bad, OK}}},
		{"per sender", []step{{"good", good, OK}, {"another's", other, OK}, {"bad", bad, BadChecksum}}},
		{"partial sum", []step{{"good", good, OK}, {"partial", withSum(good, pseudo), OK}, {"partial, no length", withSum(good, noLength), OK}, {"bad", bad, BadChecksum}}},
		{"partial proves nothing", []step{{"partial", withSum(good, pseudo), OK}, {"bad", bad, OK}}},
		{"cut", []step{{"good", good, OK}, {"bad, cut", cut, OK}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := New()
			d.VerifyChecksums = true
			for _, s := range c.steps {
				var seg reassembly.Segment
				if r := d.Decode(linkRaw, s.frame, max(len(s.frame), len(good)), 0, &seg); r != s.want {
					t.Errorf("%s: %v, want %v", s.name, r, s.want)
				}
			}
		})
	}
	t.Run("not asked for", func(t *testing.T) {
		d := New()
		for _, frame := range [][]byte{good, bad} {
			var seg reassembly.Segment
			if r := d.Decode(linkRaw, frame, len(frame), 0, &seg); r != OK {
				t.Error(r)
			}
		}
	})
}

// The table of senders does not grow without bound.
func TestVerifyChecksums_bounded(t *testing.T) {
	c := checksums{correct: make(map[[16]byte]struct{})}
	for i := range maxSenders {
		c.correct[[16]byte(cat(make([]byte, 12), be32(uint32(i))))] = struct{}{}
	}
	packet := summed(ipv4(protoTCP, tcp(nil, data)))
	seg := segment4()
	if c.bad(packet[20:], &seg) || len(c.correct) != maxSenders {
		t.Errorf("%d senders", len(c.correct))
	}
	packet[50]++
	if c.bad(packet[20:], &seg) {
		t.Error("a sender that could not be remembered counts as one that has sent a correct checksum")
	}
}
