package policy

import "github.com/exeunt/exeunt/internal/config/yamlfile"

// Read compiles one policy that may extend a shipped one.
func Read(name string, source []byte) (Policy, yamlfile.Faults) {
	return read(name, source, shippedText)
}

// Source is the text of a shipped policy.
func Source(name string) ([]byte, error) {
	return shippedText("shipped/" + name + ".yaml")
}

// Shipped compiles the policies that come with the product.
func Shipped() ([]Policy, yamlfile.Faults) {
	set, faults := ReadSet(nil)
	return set.Policies, faults
}
