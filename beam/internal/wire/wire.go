// Package wire encodes Go values compactly: fields without names, small numbers in
// one byte. Both ends of a pipeline are the same build, so no types are encoded.
//
// It supports booleans, integers, floats, strings, arrays, slices, structs,
// pointers, and interfaces that hold an int, a float64 or a string.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"unsafe"
)

// Append appends a value to b. It panics for an unsupported type, which a test of
// that type shows.
func Append[T any](b []byte, v *T) []byte { return appendValue(b, reflect.ValueOf(v).Elem()) }

// Read reads a value from the beginning of b, and returns the rest.
func Read[T any](b []byte, v *T) (rest []byte, err error) {
	r := reader{rest: b}
	r.value(reflect.ValueOf(v).Elem())
	if r.short {
		return nil, fmt.Errorf("%d bytes are not a %T: %w", len(b), *v, errShort)
	}
	return r.rest, nil
}

var errShort = errors.New("they are too short or invalid")

// The types in an interface.
const (
	holdsNothing = iota
	holdsInt
	holdsFloat
	holdsString
)

func appendValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.Float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice {
			b = binary.AppendUvarint(b, uint64(v.Len()))
		}
		for i := range v.Len() {
			b = appendValue(b, v.Index(i))
		}
		return b
	case reflect.Struct:
		for i := range v.NumField() {
			b = appendValue(b, v.Field(i))
		}
		return b
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return appendValue(append(b, 1), v.Elem())
	case reflect.Interface:
		switch x := v.Interface().(type) {
		case nil:
			return append(b, holdsNothing)
		case int:
			return binary.AppendVarint(append(b, holdsInt), int64(x))
		case float64:
			return binary.LittleEndian.AppendUint64(append(b, holdsFloat), math.Float64bits(x))
		case string:
			b = binary.AppendUvarint(append(b, holdsString), uint64(len(x)))
			return append(b, x...)
		}
	}
	panic("wire: cannot write a " + v.Type().String())
}

// A reader reads values from bytes. After an error, values are zero.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) bytes(n uint64) []byte {
	if r.short || n > uint64(len(r.rest)) {
		r.short = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.bytes(uint64(max(n, 0)))
	r.short = r.short || n <= 0
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.bytes(uint64(max(n, 0)))
	r.short = r.short || n <= 0
	return v
}

func (r *reader) float() float64 {
	if b := r.bytes(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *reader) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.byte() == 1)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(r.varint())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.uvarint())
	case reflect.Float64:
		v.SetFloat(r.float())
	case reflect.String:
		v.SetString(string(r.bytes(r.uvarint())))
	case reflect.Slice:
		r.slice(v)
	case reflect.Array:
		for i := range v.Len() {
			r.value(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			r.value(settable(v.Field(i)))
		}
	case reflect.Pointer:
		if r.byte() == 1 {
			v.Set(reflect.New(v.Type().Elem()))
			r.value(v.Elem())
		}
	case reflect.Interface:
		r.held(v)
	default:
		panic("wire: cannot read a " + v.Type().String())
	}
}

// settable is a field of an addressable struct that can be set, though it may not be
// exported: accounts of time hold their histograms so.
func settable(f reflect.Value) reflect.Value {
	if f.CanSet() {
		return f
	}
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func (r *reader) slice(v reflect.Value) {
	n := r.uvarint()
	if n == 0 || r.short || n > uint64(len(r.rest)) { // each element has at least one byte
		r.short = r.short || n > 0
		v.SetZero()
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		r.value(v.Index(i))
	}
}

func (r *reader) held(v reflect.Value) {
	switch r.byte() {
	case holdsNothing:
	case holdsInt:
		v.Set(reflect.ValueOf(int(r.varint())))
	case holdsFloat:
		v.Set(reflect.ValueOf(r.float()))
	case holdsString:
		v.Set(reflect.ValueOf(string(r.bytes(r.uvarint()))))
	default:
		r.short = true
	}
}
