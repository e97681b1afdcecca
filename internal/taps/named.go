package taps

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// each makes a point of every file.
func (b *builder) each() {
	b.apart = true
	for file := range b.scan.infos {
		b.add(result.Tap{Name: b.scan.infos[file].File}, 0, uint16(file))
	}
	for i, u := range b.scan.units {
		b.unitTap[i] = int(u.file)
	}
}

// named makes a point of each tap that the user named. Its files are a rotation.
func (b *builder) named(taps []Named, names []string) {
	of := map[uint16]int{}
	next := 0
	for _, t := range taps {
		var files []uint16
		for range t.Files {
			files = append(files, uint16(next))
			next++
		}
		for _, f := range files {
			b.class[f] = len(names) + len(b.points)
			of[f] = len(b.points)
		}
		b.add(result.Tap{Name: t.Name, Recognised: "named", Reason: "named with --tap"}, 1, files...)
	}
	for file := next; file < len(names); file++ { // beside the taps
		of[uint16(file)] = b.add(result.Tap{Name: names[file]}, 0, uint16(file))
	}
	for i, u := range b.scan.units {
		b.unitTap[i] = of[u.file]
	}
	for i := range b.scan.units {
		for j := range i {
			if b.unitTap[i] == b.unitTap[j] {
				continue
			}
			if r, c := b.scan.relate(&b.scan.units[j], &b.scan.units[i]); r == samePlace && c.exact() {
				b.leaveOut(j, i, c)
			}
		}
	}
}

// interfaces makes a point of each interface.
func (b *builder) interfaces() {
	for i, u := range b.scan.units {
		b.unitTap[i] = b.add(result.Tap{Name: b.unitName(i), Recognised: "named", Reason: "named with -i"}, 1, u.file)
	}
}

// unitName is what a unit is called.
func (b *builder) unitName(i int) string {
	u := &b.scan.units[i]
	info := &b.scan.infos[u.file]
	name := b.short(u.file)
	if u.iface != 0 || len(info.Interfaces) > 1 {
		label := fmt.Sprintf("interface %d", u.iface)
		if int(u.iface) < len(info.Interfaces) && info.Interfaces[u.iface] != "" {
			label = info.Interfaces[u.iface]
		}
		if len(b.scan.infos) == 1 {
			return label
		}
		name += " " + label
	}
	return name
}

// short is the shortest ending of a file's path that no other input has.
func (b *builder) short(file uint16) string {
	full := filepath.ToSlash(b.scan.infos[file].File)
	name := path.Base(full)
	rest := strings.TrimSuffix(full, name)
	for {
		alike := 0
		for i := range b.scan.infos {
			other := filepath.ToSlash(b.scan.infos[i].File)
			if other == name || strings.HasSuffix(other, "/"+name) {
				alike++
			}
		}
		rest = strings.TrimSuffix(rest, "/")
		if alike <= 1 || rest == "" {
			return name
		}
		name = path.Base(rest) + "/" + name
		rest = strings.TrimSuffix(rest, path.Base(rest))
	}
}

// nameFound names the points that are taps.
func (b *builder) nameFound() {
	for i := range b.points {
		p := &b.points[i]
		if p.Name != "" {
			continue
		}
		for u := range b.scan.units {
			if b.unitTap[u] == i {
				p.Name = b.unitName(u)
				break
			}
		}
		if p.group != 0 {
			p.Recognised = "found"
		}
	}
}
