package detectors

// Watcher follows one connection for one Detector.
type Watcher interface{}
