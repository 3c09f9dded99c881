/* Every mark that a panel can show, once. From this list come the table of marks (marks.h), the Lua methods with their
 * checks and annotations, and the painter's table. How each is drawn is one `const mli_mark_kind mli_mark_<name>` in
 * src/figure/mark_<name>.c.
 *
 * ML_MARK (name, meaning, data, options)
 *   data:    IN(name, "dims") must be given, MAYBE(name, "dims") may be. Equal letters are equal sizes; a dimension with
 *            a ? may be missing, and is then 1
 *   options: REAL(name, default, meaning)  FLAG(name, meaning)  WORD(name, "a|b|c", meaning) the first is the default
 *            TEXT(name, meaning)  TEXTS(name, meaning) a list  PAIR(name, meaning) two numbers, or nothing
 * Every mark also has the options of ML_MARK_COMMON.
 */
#define ML_MAPS "auto|viridis|diverging|cyclic|grey"
#define ML_MARK_COMMON \
    TEXT(label, "its name in the legend") \
    TEXT(colour, "#rrggbb, or one of the style's: blue, orange, green, pink, amber, sky, grey, ink") \
    REAL(alpha, 1, "1 hides what is behind, 0 is not seen") \
    FLAG(right, "over the y axis on the right") \
    REAL(group, 0, "marks of one group, not 0, are hidden by a click on one of their names in a legend, in all panels") \
    REAL(subgroup, 0, "a second group that the mark belongs to")

ML_MARK(line, "a curve through points, which may grow; with low and high, the band between them",
        IN(x, "n") IN(y, "n") MAYBE(low, "n") MAYBE(high, "n"),
        REAL(width, 0, "in 1/96 inch; 0 = the style's")
        WORD(dash, "auto|solid|dashed|dotted|dash-dotted", "auto: solid, until the colours come again")
        FLAG(dots, "a dot on every point") FLAG(steps, "level from point to point"))

ML_MARK(scatter, "points, coloured by class (a few whole numbers) or by value",
        IN(x, "n") IN(y, "n") MAYBE(by, "n"),
        REAL(radius, 0, "in 1/96 inch; 0 = by the number of points")
        TEXTS(classes, "names, from class 1 on, or from the lowest if that is below")
        WORD(map, ML_MAPS, "colours of values")
        PAIR(limits, "values at the two ends of the colours"))

ML_MARK(bars, "bars from zero, side by side where there are k a place; with low and high, whiskers",
        IN(y, "n, k?") MAYBE(x, "n") MAYBE(low, "n, k?") MAYBE(high, "n, k?"),
        REAL(width, 0.8, "of a group, in places") TEXTS(names, "of the n places") TEXTS(groups, "of the k bars"))

ML_MARK(histogram, "how many values fall into each of evenly wide bins",
        IN(values, "n"),
        REAL(bins, 0, "how many; 0 = by Freedman and Diaconis") FLAG(density, "areas add up to 1")
        PAIR(range, "the two ends; what lies outside is not counted"))

ML_MARK(heatmap, "a matrix as colours, row 1 at the top",
        IN(values, "r?, c"),
        PAIR(limits, "values at the two ends of the colours; none: from the data")
        FLAG(diverging, "two hues that meet at the middle; limits from the data are then -m..m")
        WORD(map, ML_MAPS, "colours") FLAG(stretch, "fill the panel instead of keeping cells square")
        REAL(row_shift, 0, "added to the numbers of rows, which count from 1; -1 counts from 0")
        REAL(col_shift, 0, "added to the numbers of columns"))

ML_MARK(images, "many small images: filters, digits; in a grid, or each centred on its place",
        IN(images, "n, h, w") MAYBE(x, "n") MAYBE(y, "n"),
        REAL(columns, 0, "0 = as fits the panel best")
        REAL(size, 0.8, "of images with places: the longer side, in units of the axis that has fewer pixels for one") WORD(map, ML_MAPS, "colours; auto: grey, or diverging")
        FLAG(diverging, "two hues that meet at zero") FLAG(shared, "one scale of colours for all, with a bar")
        PAIR(limits, "values at the two ends of the colours, for all"))

ML_MARK(field, "a field of vectors as arrows",
        IN(x, "c") IN(y, "r") IN(u, "r, c") IN(v, "r, c"),
        REAL(length, 0.9, "of the longest arrow, in cells of the grid") FLAG(even, "all of one length, the value as colour")
        WORD(map, ML_MAPS, "colours of even arrows"))

ML_MARK(contour, "lines of equal value, or with filled the bands between them",
        IN(x, "c") IN(y, "r") IN(values, "r, c") MAYBE(at, "m"),
        REAL(levels, 8, "about how many, at values that a person would choose; at gives them one by one")
        FLAG(filled, "bands of colour") WORD(map, ML_MAPS, "colours") FLAG(numbers, "write its value on every line"))

ML_MARK(regions, "the plane in colours of classes, paler where less sure: a decision boundary",
        IN(x, "c") IN(y, "r") IN(class, "r, c") MAYBE(sure, "r, c"),
        TEXTS(classes, "names, from class 1 on, or from the lowest if that is below"))

ML_MARK(graph, "nodes and edges; the colour of an edge is the sign of its weight, the width its size",
        IN(x, "n") IN(y, "n") IN(from, "m") IN(to, "m") IN(weight, "m") MAYBE(value, "n"),
        REAL(radius, 0, "of the nodes, in 1/96 inch; 0 = as fits") REAL(base, 0, "the first node's number in from and to"))

ML_MARK(text, "words at a place, with an arrow where they speak of another",
        IN(x, "n") IN(y, "n") MAYBE(to_x, "n") MAYBE(to_y, "n"),
        TEXTS(text, "a line for each place") WORD(side, "on|right|left|above|below", "where the words stand, seen from the place")
        FLAG(panel, "places are parts of the panel, 0..1 from the lower left")
        REAL(size, 11, "of the letters") FLAG(boxed, "on a patch of paper"))

ML_MARK(event, "a line across the panel at a value of x (or with level, of y), and what happened there",
        IN(at, "n"),
        TEXTS(text, "what is said, a line for each") FLAG(level, "at values of y")
        WORD(dash, "dashed|solid|dotted", "of the line"))
