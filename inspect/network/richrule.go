package network

import (
	"fmt"
	"strings"
)

// An xmlRule is a rich rule of a zone.
type xmlRule struct {
	Priority    string      `xml:"priority,attr"`
	Family      string      `xml:"family,attr"`
	Source      *xmlElement `xml:"source"`
	Destination *xmlElement `xml:"destination"`
	Service     *xmlElement `xml:"service"`
	Port        *xmlElement `xml:"port"`
	Protocol    *xmlElement `xml:"protocol"`
	IcmpBlock   *xmlElement `xml:"icmp-block"`
	IcmpType    *xmlElement `xml:"icmp-type"`
	Masquerade  *xmlElement `xml:"masquerade"`
	ForwardPort *xmlElement `xml:"forward-port"`
	SourcePort  *xmlElement `xml:"source-port"`
	TCPMSS      *xmlElement `xml:"tcp-mss-clamp"`
	Log         *xmlElement `xml:"log"`
	NFLog       *xmlElement `xml:"nflog"`
	Audit       *xmlElement `xml:"audit"`
	Accept      *xmlElement `xml:"accept"`
	Reject      *xmlElement `xml:"reject"`
	Drop        *xmlElement `xml:"drop"`
	Mark        *xmlElement `xml:"mark"`
}

// String is the rule in firewalld.richlanguage(5).
func (r xmlRule) String() string {
	b := &strings.Builder{}
	b.WriteString("rule")
	if r.Priority != "0" {
		attribute(b, "priority", r.Priority)
	}
	attribute(b, "family", r.Family)
	for _, e := range []*xmlElement{r.Source, r.Destination} {
		end(b, e)
	}
	for _, e := range []*xmlElement{r.Service, r.Port, r.Protocol, r.IcmpBlock, r.IcmpType, r.Masquerade, r.ForwardPort, r.SourcePort, r.TCPMSS} {
		element(b, e)
	}
	for _, e := range []*xmlElement{r.Log, r.NFLog, r.Audit, r.Accept, r.Reject, r.Drop, r.Mark} {
		element(b, e)
	}
	return b.String()
}

func attribute(b *strings.Builder, key, value string) {
	if value != "" {
		fmt.Fprintf(b, ` %s="%s"`, key, value)
	}
}

// end writes where packets come from or go to.
func end(b *strings.Builder, e *xmlElement) {
	if e == nil {
		return
	}
	b.WriteString(" " + e.XMLName.Local)
	if v := strings.ToLower(e.Invert); v == "yes" || v == "true" {
		b.WriteString(" NOT")
	}
	attribute(b, "address", e.Address)
	attribute(b, "mac", e.MAC)
	attribute(b, "ipset", e.IPSet)
}

func element(b *strings.Builder, e *xmlElement) {
	if e == nil {
		return
	}
	b.WriteString(" " + e.XMLName.Local)
	for _, a := range [][2]string{
		{"name", e.Name}, {"port", e.Port}, {"protocol", e.Protocol}, {"to-port", e.ToPort}, {"to-addr", e.ToAddr}, {"group", e.Group},
		{"prefix", e.Prefix}, {"level", e.Level}, {"queue-size", e.QueueSize}, {"type", e.Type}, {"value", e.Value},
	} {
		attribute(b, a[0], a[1])
	}
	if e.Set != "" {
		b.WriteString(" set=" + e.Set)
	}
	if e.Limit != nil {
		b.WriteString(" limit")
		attribute(b, "value", e.Limit.Value)
	}
}
