package main

import (
	"fmt"
	"html"
	"strings"
)

// Measures of the chart, in pixels.
const (
	chartWidth  = 900
	labelWidth  = 130
	valueWidth  = 110
	barHeight   = 14
	barStep     = 18
	titleHeight = 30
	groupGap    = 10
)

var barColours = map[string]string{fromscratch: "#1f6feb", floor: "#b0b7c0"}

const otherColour = "#d29922"

// chart draws a summary as bars: one group a scenario, each on a scale of its
// own, since a cold build would flatten all others. A line spans the range of
// the runs.
func chart(all []Summary) string {
	var body strings.Builder
	y := groupGap
	text := func(x, y int, style, s string) {
		fmt.Fprintf(&body, "<text x=\"%d\" y=\"%d\"%s>%s</text>\n", x, y, style, html.EscapeString(s))
	}
	for _, group := range byProgram(all) {
		text(groupGap, y+20, ` font-size="18" font-weight="bold"`, group[0].Program)
		y += titleHeight
		for _, sum := range group {
			text(groupGap, y+14, ` font-weight="bold"`, sum.Scenario)
			y += barStep + 2
			longest := 0.0
			for _, b := range sum.Builders {
				longest = max(longest, b.Max)
			}
			at := func(seconds float64) float64 {
				if longest == 0 {
					return 0
				}
				return seconds / longest * (chartWidth - labelWidth - valueWidth)
			}
			for _, b := range sum.Builders {
				colour, ok := barColours[b.Builder]
				if !ok {
					colour = otherColour
				}
				text(groupGap, y+11, "", b.Builder)
				fmt.Fprintf(&body, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", labelWidth, y, at(b.Median), barHeight, colour)
				if b.Runs > 1 {
					fmt.Fprintf(&body, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#333\"/>\n",
						labelWidth+at(b.Min), labelWidth+at(b.Max), y+barHeight/2, y+barHeight/2)
				}
				text(labelWidth+int(at(max(b.Median, b.Max)))+6, y+11, "", seconds(b.Median)+" s")
				y += barStep
			}
			y += groupGap
		}
	}
	return fmt.Sprintf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"+
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n%s</svg>\n", chartWidth, y, body.String())
}
