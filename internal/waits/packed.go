package waits

import "unsafe"

// In a flood of connections that one side has closed, each has an account of which most is zero, and
// which only the close of the other side, if that ever comes, changes again. Where a partition has
// packFrom accounts, those are packed: what is not zero, and where it is.

// packFrom is from how many accounts on, in a partition, those of such connections are packed. That costs time: 7 % of
// that of a capture with 20,000 connections at a time, which has 300 in each.
const packFrom = 1000

// packed marks the number of an account that is packed.
const packed = resting | journalled

// Packed reports whether the account of that number is packed: see [Ledger.Settle].
func Packed(account uint32) bool { return account&packed == packed }

// words are an Account, which has no pointers.
type words [unsafe.Sizeof(Account{}) / 8]uint64

// filled says which of the words are not zero.
type filled [(len(words{}) + 63) / 64]uint64

func (a *Account) words() *words { return (*words)(unsafe.Pointer(a)) }

// crowded reports whether there are so many accounts.
func (l *Ledger) crowded() bool {
	return l.PackAlways || l.made-uint32(len(l.idle))+l.packages >= packFrom
}

// pack packs an account, and returns its number from then on.
func (l *Ledger) pack(account uint32) uint32 {
	a := l.Account(account)
	var in filled
	all, n := a.words(), len(in)
	for i, w := range all {
		if w != 0 {
			in[i/64] |= 1 << (i % 64)
			n++
		}
	}
	var number uint32
	if last := len(l.unpacked) - 1; last >= 0 {
		number, l.unpacked = l.unpacked[last], l.unpacked[:last]
	} else {
		number = uint32(len(l.contents))
		l.contents = append(l.contents, nil)
	}
	to := l.contents[number][:0]
	if cap(to) < n {
		to = make([]uint64, 0, n)
	}
	to = append(to, in[:]...)
	for _, w := range all {
		if w != 0 {
			to = append(to, w)
		}
	}
	l.contents[number] = to
	l.packages++
	*a = Account{}
	l.idle = append(l.idle, account)
	return number | packed
}

// unpack opens a packed account again.
func (l *Ledger) unpack(account uint32) uint32 {
	number := account &^ packed
	from := l.contents[number]
	account = l.Open(0)
	a := l.Account(account)
	all, in := a.words(), filled(from)
	from = from[len(in):]
	for i := range all {
		if all[i] = 0; in[i/64]>>(i%64)&1 != 0 {
			all[i], from = from[0], from[1:]
		}
	}
	l.unpacked = append(l.unpacked, number)
	l.packages--
	return account
}
