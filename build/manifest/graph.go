package manifest

import (
	"fmt"
	"strings"
)

// A Graph is which pipeline needs what: its nodes are the pipelines, in the
// document's order, and the sources that are used.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// A Node is a pipeline or a source.
type Node struct {
	Name   string
	Source bool
	// Count is the number of steps, or of items.
	Count int
}

// An Edge says that To needs From; both are indices of nodes. Label is
// "build", or the names of the inputs.
type Edge struct {
	From, To int
	Label    string
	Build    bool
}

// NewGraph finds the graph of a manifest.
func NewGraph(m *Manifest) Graph {
	var g Graph
	pipelines := map[string]int{}
	for i, p := range m.Pipelines {
		pipelines[p.Name] = i
		g.Nodes = append(g.Nodes, Node{Name: p.Name, Count: len(p.Steps)})
	}
	content := map[string]int{}
	for _, s := range m.Sources {
		for _, item := range s.Items {
			content[item.ID] = len(g.Nodes)
		}
		g.Nodes = append(g.Nodes, Node{Name: s.Type, Source: true, Count: len(s.Items)})
	}
	for i, p := range m.Pipelines {
		if from, ok := pipelines[p.Build]; ok {
			g.Edges = append(g.Edges, Edge{From: from, To: i, Label: "build", Build: true})
		}
		g.Edges = append(g.Edges, inputEdges(p, i, pipelines, content)...)
	}
	return g
}

// inputEdges is one edge for each thing that the inputs of a pipeline come
// from, in the order of the steps.
func inputEdges(p *Pipeline, to int, pipelines, content map[string]int) []Edge {
	var edges []Edge
	place := map[int]int{}
	for _, s := range p.Steps {
		for _, in := range s.Inputs {
			for _, ref := range in.References {
				from, ok := content[ref.ID]
				if in.Origin == FromPipeline {
					from, ok = pipelines[strings.TrimPrefix(ref.ID, "name:")]
				}
				if !ok {
					continue
				}
				i, seen := place[from]
				if !seen {
					i = len(edges)
					place[from] = i
					edges = append(edges, Edge{From: from, To: to})
				}
				edges[i].addLabel(in.Name)
			}
		}
	}
	return edges
}

// addLabel adds an input's name to the label, once.
func (e *Edge) addLabel(name string) {
	switch {
	case e.Label == "":
		e.Label = name
	case !strings.Contains(", "+e.Label+", ", ", "+name+", "):
		e.Label += ", " + name
	}
}

// DOT is the graph in Graphviz's language.
func (g Graph) DOT() string {
	var b strings.Builder
	b.WriteString("digraph manifest {\n  rankdir=LR;\n  node [shape=box];\n")
	for i, n := range g.Nodes {
		style := ""
		if n.Source {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  n%d [label=\"%s\\n%s\"%s];\n", i, dotText(n.Name), n.size(), style)
	}
	for _, e := range g.Edges {
		style := ""
		if e.Build {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  n%d -> n%d [label=\"%s\"%s];\n", e.From, e.To, dotText(e.Label), style)
	}
	b.WriteString("}\n")
	return b.String()
}

// Mermaid is the graph as a Mermaid flowchart.
func (g Graph) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range g.Nodes {
		shape := `["%s<br>%s"]`
		if n.Source {
			shape = `[("%s<br>%s")]`
		}
		fmt.Fprintf(&b, "  n%d"+shape+"\n", i, mermaidText(n.Name), n.size())
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Build {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  n%d %s|\"%s\"| n%d\n", e.From, arrow, mermaidText(e.Label), e.To)
	}
	return b.String()
}

// size is the node's count in words.
func (n Node) size() string {
	what := "step"
	if n.Source {
		what = "item"
	}
	if n.Count != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n.Count, what)
}

// dotText is text inside of DOT's double quotes.
func dotText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)
}

// mermaidText is text inside of Mermaid's double quotes, where what looks
// like HTML is HTML.
func mermaidText(s string) string {
	return strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "\n", " ").Replace(s)
}
