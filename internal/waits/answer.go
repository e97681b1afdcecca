package waits

import "github.com/tcptrace-go/tcptrace/reassembly"

// An answer is where the server's answer began. Nearly each begins a run, of which that is noted; an account has a copy
// only if it does not, or another run has begun since.
type answer struct {
	first  reassembly.Mark // its first segment
	before uint64          // bytes of the server before that
}

// beginAnswer notes that the server's answer begins with the segment, and maybe a run.
func (s *step) beginAnswer() {
	if s.rarity != 0 {
		seldom := s.told.noteRare(s.Account)
		seldom.pauses, seldom.resent = 0, 0
	}
	r := &s.run
	if s.told.answers.free(&s.answer); !r.on || r.side != s.side {
		s.begins = true
		return
	}
	x := s.told.answers.write(&s.answer)
	x.first.Set(s.seg)
	x.before = s.conn.Bytes(reassembly.B) - min(s.conn.Bytes(reassembly.B), uint64(s.seg.Len))
}

// keepAnswer notes where the server's answer began, with a run, before another begins.
func (s *step) keepAnswer() {
	*s.told.answers.write(&s.answer) = answer{s.run.first, s.run.bytes}
}

// answerBegan is where the server's answer began, while replying is set.
func (s *step) answerBegan() answer {
	if s.answer != 0 {
		return *s.told.answers.at(s.answer)
	}
	return answer{s.run.first, s.run.bytes}
}

// answerBytes is how much of the answer the server has sent.
func (s *step) answerBytes() uint64 { return s.conn.Bytes(reassembly.B) - s.answerBegan().before }
