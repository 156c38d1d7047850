// Package words has nothing but tests.
package words
