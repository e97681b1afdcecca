package live

import (
	"net"
	"slices"
)

// Interfaces lists the interfaces of this machine, and Any.
func Interfaces() ([]net.Interface, error) {
	list, err := net.Interfaces()
	return slices.Clip(append(list, net.Interface{Name: Any, Flags: net.FlagUp})), err
}
