package live

import (
	"net"
	"slices"
)

// Interfaces are what may be captured from, and any.
func Interfaces() ([]net.Interface, error) {
	list, err := net.Interfaces()
	return slices.Clip(append(list, net.Interface{Name: Any, Flags: net.FlagUp})), err
}
