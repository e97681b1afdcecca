package waits

// A Strip is the stretches of one connection in order, to be drawn. Of a connection with
// very many, the shortest are merged with what follows them.
type Strip struct{ Stretches []Stretch }

// maxStretches is how many stretches a strip has, at most: more than a picture has columns.
const maxStretches = 2048

// Add adds the next stretch.
func (s *Strip) Add(x *Stretch) {
	if len(s.Stretches) == maxStretches {
		s.merge()
	}
	s.Stretches = append(s.Stretches, *x)
}

// merge makes one stretch of every two, named after the longer.
func (s *Strip) merge() {
	kept := s.Stretches[:0]
	for i := 0; i+1 < len(s.Stretches); i += 2 {
		a, b := s.Stretches[i], s.Stretches[i+1]
		if b.End-b.Start > a.End-a.Start {
			a.Wait = b.Wait
		}
		a.End, a.File[1], a.Frame[1] = b.End, b.File[1], b.Frame[1]
		kept = append(kept, a)
	}
	s.Stretches = kept
}
