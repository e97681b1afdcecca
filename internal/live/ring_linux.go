//go:build !libpcap

package live

import (
	"cmp"
	"encoding/binary"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// The kernel delivers a block when it is full, or when its first frame has waited
// for retireAfter.
const (
	blockSize   = 1 << 20 // a frame of segmentation offload must fit: 512 KiB (GSO_MAX_SIZE of BIG TCP)
	maxBlocks   = 64
	retireAfter = 20 * time.Millisecond
)

// Delay is the maximum time from a frame's timestamp until Next can return it. The
// kernel delivers a block by its second timer tick
// (prb_retire_rx_blk_timer_expired), and frames may queue for another processor
// before they reach the ring.
const Delay = 2*retireAfter + 60*time.Millisecond

// A Ring captures from an interface, through memory that the kernel fills
// (packet(7), PACKET_RX_RING with TPACKET_V3). Only Wake is safe for concurrent
// use.
type Ring struct {
	socket
	memory []byte
	block  []byte // the one that is read; nil if none
	number int    // of that block
	next   uint32 // offset of its next frame
	left   uint32 // remaining frames in it
	waker  int    // an eventfd
	drops  uint64
	state  linkState
	looked time.Time // when the interface was checked
}

// Offsets in a block's descriptor and in a frame's header (struct
// tpacket_block_desc and tpacket3_hdr in linux/if_packet.h); the sockaddr_ll
// follows the latter.
const (
	blockStatus = 8
	blockFrames = 12
	blockFirst  = 16

	frameNext     = 0
	frameSeconds  = 4
	frameNanos    = 8
	frameCaptured = 12
	frameLength   = 16
	frameStatus   = 20
	frameMAC      = 24
	frameTCI      = 32
	frameTPID     = 36
	frameSockaddr = 48

	addrProtocol = frameSockaddr + 2
	addrIndex    = frameSockaddr + 4
	addrHardware = frameSockaddr + 8
	addrPacket   = frameSockaddr + 10
	addrLength   = frameSockaddr + 11
	addrAddress  = frameSockaddr + 12
)

var ne = binary.NativeEndian

// Next reads the next frame into fr. It returns false if there is none yet. The
// frame's bytes are valid until the next call; its number and file are not set.
func (r *Ring) Next(fr *capture.Frame) bool {
	for {
		if r.left == 0 && !r.advance() {
			return false
		}
		h := r.block[r.next:]
		r.left--
		r.next += ne.Uint32(h[frameNext:])
		if r.any && isSentToLoopback(h) {
			continue
		}
		*fr = capture.Frame{
			At:   int64(ne.Uint32(h[frameSeconds:]))*1e9 + int64(ne.Uint32(h[frameNanos:])),
			Link: r.Link(),
		}
		fr.Data, fr.Len = r.addHeaders(h)
		return true
	}
}

// advance returns the current block to the kernel, and takes the next one if it
// has been delivered.
func (r *Ring) advance() bool {
	if r.block != nil {
		atomic.StoreUint32(statusOf(r.block), unix.TP_STATUS_KERNEL)
		r.number = (r.number + 1) % (len(r.memory) / blockSize)
		r.block = nil
	}
	b := r.memory[r.number*blockSize:][:blockSize]
	if atomic.LoadUint32(statusOf(b))&unix.TP_STATUS_USER == 0 {
		return false
	}
	r.block, r.next, r.left = b, ne.Uint32(b[blockFirst:]), ne.Uint32(b[blockFrames:])
	return r.left > 0
}

func statusOf(block []byte) *uint32 { return (*uint32)(unsafe.Pointer(&block[blockStatus])) }

// Wait waits until a block has been delivered, Wake is called, or d has passed. If
// the state of the interface has changed, it returns a sentence about that.
func (r *Ring) Wait(d time.Duration) (news string) {
	if r.block == nil || r.left == 0 {
		fds := []unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN | unix.POLLERR}, {Fd: int32(r.waker), Events: unix.POLLIN}}
		unix.Poll(fds, int(d/time.Millisecond))
		if fds[0].Revents&unix.POLLERR != 0 {
			unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR) // reading clears it
			r.looked = time.Time{}
		}
		if fds[1].Revents != 0 {
			var count [8]byte
			unix.Read(r.waker, count[:])
		}
	}
	if now := time.Now(); now.Sub(r.looked) >= lookEvery {
		r.looked = now
		return r.look()
	}
	return ""
}

// Wake ends a Wait, from any goroutine.
func (r *Ring) Wake() {
	var one [8]byte
	ne.PutUint64(one[:], 1)
	unix.Write(r.waker, one[:])
}

// Drops is the number of frames that the kernel has dropped so far.
func (r *Ring) Drops() uint64 {
	// Reading the counters clears them.
	if stats, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
		r.drops += uint64(stats.Drops)
	}
	return r.drops
}

// Close closes the ring.
func (r *Ring) Close() error {
	r.block = nil
	err := unix.Munmap(r.memory)
	unix.Close(r.waker)
	return cmp.Or(err, unix.Close(r.fd))
}
