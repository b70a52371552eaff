package vendorapi

import (
	"context"
	"net/url"
	"regexp"
	"strings"

	"github.com/exeunt/exeunt"
)

// link is one entry of a Link header: the target, and the parameters up to the next entry.
var link = regexp.MustCompile(`<([^>]*)>([^<]*)`)

// Next is the address of the page after the one that came from an address, by the header Link: <…>; rel="next" (RFC 8288);
// "" when there is none.
func (a Answer) Next(from string) (string, error) {
	for _, header := range a.Header.Values("Link") {
		for _, entry := range link.FindAllStringSubmatch(header, -1) {
			if isNext(strings.TrimRight(entry[2], ", ")) {
				return a.Follow(from, entry[1])
			}
		}
	}
	return "", nil
}

// Follow is the address of a page that an answer names, as seen from the one that was asked. It is on the same host, or our
// credentials would be sent to another.
func (a Answer) Follow(from, to string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", exeunt.Errorf(exeunt.Internal, "%s was asked at an address that is none", a.Vendor)
	}
	u, err := base.Parse(to)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host {
		return "", exeunt.Errorf(exeunt.Invalid, "%s has its next page on another host, which is not followed", a.Vendor)
	}
	return u.String(), nil
}

func isNext(parameters string) bool {
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if !strings.EqualFold(name, "rel") {
			continue
		}
		for rel := range strings.FieldsSeq(strings.Trim(value, `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}

// Pages asks a question, and then for every page that the answers name, and hands each answer on. More pages than most are
// an error: a question about one person that goes on for longer is about everybody.
func (c *Client) Pages(ctx context.Context, q Question, most int, take func(Answer) error) error {
	for range most {
		a, err := c.Ask(ctx, q)
		if err != nil {
			return err
		}
		if err := take(a); err != nil {
			return err
		}
		next, err := a.Next(c.address(q))
		if err != nil || next == "" {
			return err
		}
		q.Path, q.Query = next, nil
	}
	return exeunt.Errorf(exeunt.Invalid, "%s goes on for more than %d pages: the search is not specific enough", c.Vendor, most)
}
