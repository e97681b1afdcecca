package live

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// A Keeper writes frames to pcapng files, one after another, which are named and
// rotated as by tcpdump (tcpdump(1), -C and -W).
type Keeper struct {
	Name       string
	Size       int64 // begin another file when one is larger than this, in bytes; 0 for never
	Files      int   // overwrite the first file after so many; 0 for never
	Interfaces []pcapng.Interface
	Section    pcapng.Section
	Guard      *output.Guard // knows the files that must not be overwritten

	names  []string // by Frame.File
	file   *os.File
	buffer *bufio.Writer
	out    *pcapng.Writer
	frames uint32   // in the file
	last   int64    // time of the latest frame
	lost   []uint64 // frames of each interface before this file
	drops  []uint64 // of each interface
}

// maxNames is how many files Frame.File can tell apart.
const maxNames = 1 << 16

// Open begins the first file.
func (k *Keeper) Open() error {
	name := k.nameOf(len(k.names))
	file, err := k.Guard.Create(name)
	if err != nil {
		return err
	}
	if len(k.names) == maxNames { // frames of the last files share a name
		k.names = k.names[:maxNames-1]
	}
	k.names = append(k.names, name)
	if k.drops == nil {
		k.drops = make([]uint64, len(k.Interfaces))
	}
	k.file, k.frames, k.lost = file, 0, slices.Clone(k.drops)
	k.buffer = bufio.NewWriterSize(file, 256<<10)
	k.out = pcapng.NewWriter(k.buffer)
	if err := k.out.Begin(k.Section); err != nil {
		return err
	}
	for _, i := range k.Interfaces {
		if _, err := k.out.Interface(i); err != nil {
			return err
		}
	}
	return nil
}

// nameOf is the name of the n-th file, from 0. tcpdump numbers the first one only if
// the number of files is limited, and then pads numbers with zeros.
func (k *Keeper) nameOf(n int) string {
	if k.Files > 0 && k.Size > 0 {
		return fmt.Sprintf("%s%0*d", k.Name, len(fmt.Sprint(k.Files-1)), n%k.Files)
	}
	if n == 0 {
		return k.Name
	}
	return fmt.Sprint(k.Name, n)
}

// Keep writes a frame and sets its number and file.
func (k *Keeper) Keep(fr *capture.Frame) error {
	if k.Size > 0 && k.out.Size() > k.Size {
		if err := k.Close(k.last); err != nil {
			return err
		}
		if err := k.Open(); err != nil {
			return err
		}
	}
	k.frames++
	k.last = max(k.last, fr.At)
	fr.Num, fr.File = k.frames, uint16(len(k.names)-1)
	return k.out.Packet(&pcapng.Packet{Interface: int(fr.Interface), At: fr.At, Data: fr.Data, Len: fr.Len})
}

// Lost sets how many frames of an interface were lost so far.
func (k *Keeper) Lost(number int, drops uint64) { k.drops[number] = drops }

// Flush writes buffered frames, so that others can read them.
func (k *Keeper) Flush() error { return k.buffer.Flush() }

// Close ends the file, and states that the capture continued until at.
func (k *Keeper) Close(at int64) error {
	for i := range k.drops {
		k.out.Lost(i, k.drops[i]-k.lost[i])
	}
	return cmp.Or(k.out.End(at), k.buffer.Flush(), k.file.Close())
}

// Names are the names of the files, by Frame.File.
func (k *Keeper) Names() []string { return k.names }
