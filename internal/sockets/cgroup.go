package sockets

import "strings"

// UnitOf is the systemd unit or the container that the path of a control group names,
// or nothing: "nginx.service" of /system.slice/nginx.service, "container 0123456789ab"
// of /docker/0123456789ab... and of the forms that Kubernetes and Podman use.
func UnitOf(path string) string {
	elements := strings.Split(path, "/")
	for i := len(elements) - 1; i >= 0; i-- {
		e := elements[i]
		id := strings.TrimSuffix(e, ".scope")
		if dash := strings.LastIndexByte(id, '-'); dash >= 0 {
			id = id[dash+1:]
		}
		if len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
			return "container " + id[:12]
		}
	}
	for i := len(elements) - 1; i >= 0; i-- {
		e := elements[i]
		if strings.HasSuffix(e, ".service") || strings.HasSuffix(e, ".scope") || strings.HasSuffix(e, ".socket") {
			return e
		}
	}
	return ""
}
