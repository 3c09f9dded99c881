---@meta
-- Made by generate_marks.lua from the table of marks, include/moonlab/mark_list.h. Not to be edited.
-- luacheck: ignore 212 241 631

---@class (partial) moonlab.Figure
local Figure = {}

---@class moonlab.MarkOptions: moonlab.PanelOptions
---@field label? string  its name in the legend
---@field colour? string  #rrggbb, or one of the style's: blue, orange, green, pink, amber, sky, grey, ink
---@field alpha? number  1 hides what is behind, 0 is not seen (default 1)
---@field right? boolean  over the y axis on the right
---@field group? number  marks of one group, not 0, are hidden by a click on one of their names in a legend, in all panels
---@field subgroup? number  a second group that the mark belongs to

---@class moonlab.LineOptions: moonlab.MarkOptions
---@field low? moonlab.Values  (n)
---@field high? moonlab.Values  (n)
---@field width? number  in 1/96 inch; 0 = the style's
---@field dash? "auto"|"solid"|"dashed"|"dotted"|"dash-dotted"  auto: solid, until the colours come again
---@field dots? boolean  a dot on every point
---@field steps? boolean  level from point to point

--- Adds a curve through points, which may grow; with low and high, the band between them.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (n)
---@param y moonlab.Values  (n)
---@param opts? moonlab.LineOptions
---@return moonlab.Figure
function Figure:line(panel, x, y, opts) end

---@class moonlab.ScatterOptions: moonlab.MarkOptions
---@field by? moonlab.Values  (n)
---@field radius? number  in 1/96 inch; 0 = by the number of points
---@field classes? string[]  names, from class 1 on, or from the lowest if that is below
---@field map? "auto"|"viridis"|"diverging"|"cyclic"|"grey"  colours of values
---@field limits? number[]  values at the two ends of the colours

--- Adds points, coloured by class (a few whole numbers) or by value.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (n)
---@param y moonlab.Values  (n)
---@param opts? moonlab.ScatterOptions
---@return moonlab.Figure
function Figure:scatter(panel, x, y, opts) end

---@class moonlab.BarsOptions: moonlab.MarkOptions
---@field x? moonlab.Values  (n)
---@field low? moonlab.Values  (n, k?)
---@field high? moonlab.Values  (n, k?)
---@field width? number  of a group, in places (default 0.8)
---@field names? string[]  of the n places
---@field groups? string[]  of the k bars

--- Adds bars from zero, side by side where there are k a place; with low and high, whiskers.
---@param panel integer  counted from 1, row by row
---@param y moonlab.Values  (n, k?)
---@param opts? moonlab.BarsOptions
---@return moonlab.Figure
function Figure:bars(panel, y, opts) end

---@class moonlab.HistogramOptions: moonlab.MarkOptions
---@field bins? number  how many; 0 = by Freedman and Diaconis
---@field density? boolean  areas add up to 1
---@field range? number[]  the two ends; what lies outside is not counted

--- Adds how many values fall into each of evenly wide bins.
---@param panel integer  counted from 1, row by row
---@param values moonlab.Values  (n)
---@param opts? moonlab.HistogramOptions
---@return moonlab.Figure
function Figure:histogram(panel, values, opts) end

---@class moonlab.HeatmapOptions: moonlab.MarkOptions
---@field limits? number[]  values at the two ends of the colours; none: from the data
---@field diverging? boolean  two hues that meet at the middle; limits from the data are then -m..m
---@field map? "auto"|"viridis"|"diverging"|"cyclic"|"grey"  colours
---@field stretch? boolean  fill the panel instead of keeping cells square
---@field row_shift? number  added to the numbers of rows, which count from 1; -1 counts from 0
---@field col_shift? number  added to the numbers of columns

--- Adds a matrix as colours, row 1 at the top.
---@param panel integer  counted from 1, row by row
---@param values moonlab.Values  (r?, c)
---@param opts? moonlab.HeatmapOptions
---@return moonlab.Figure
function Figure:heatmap(panel, values, opts) end

---@class moonlab.ImagesOptions: moonlab.MarkOptions
---@field x? moonlab.Values  (n)
---@field y? moonlab.Values  (n)
---@field columns? number  0 = as fits the panel best
---@field size? number  of images with places: the longer side, in units of the axis that has fewer pixels for one (default 0.8)
---@field map? "auto"|"viridis"|"diverging"|"cyclic"|"grey"  colours; auto: grey, or diverging
---@field diverging? boolean  two hues that meet at zero
---@field shared? boolean  one scale of colours for all, with a bar
---@field limits? number[]  values at the two ends of the colours, for all

--- Adds many small images: filters, digits; in a grid, or each centred on its place.
---@param panel integer  counted from 1, row by row
---@param images moonlab.Values  (n, h, w)
---@param opts? moonlab.ImagesOptions
---@return moonlab.Figure
function Figure:images(panel, images, opts) end

---@class moonlab.FieldOptions: moonlab.MarkOptions
---@field length? number  of the longest arrow, in cells of the grid (default 0.9)
---@field even? boolean  all of one length, the value as colour
---@field map? "auto"|"viridis"|"diverging"|"cyclic"|"grey"  colours of even arrows

--- Adds a field of vectors as arrows.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (c)
---@param y moonlab.Values  (r)
---@param u moonlab.Values  (r, c)
---@param v moonlab.Values  (r, c)
---@param opts? moonlab.FieldOptions
---@return moonlab.Figure
function Figure:field(panel, x, y, u, v, opts) end

---@class moonlab.ContourOptions: moonlab.MarkOptions
---@field at? moonlab.Values  (m)
---@field levels? number  about how many, at values that a person would choose; at gives them one by one (default 8)
---@field filled? boolean  bands of colour
---@field map? "auto"|"viridis"|"diverging"|"cyclic"|"grey"  colours
---@field numbers? boolean  write its value on every line

--- Adds lines of equal value, or with filled the bands between them.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (c)
---@param y moonlab.Values  (r)
---@param values moonlab.Values  (r, c)
---@param opts? moonlab.ContourOptions
---@return moonlab.Figure
function Figure:contour(panel, x, y, values, opts) end

---@class moonlab.RegionsOptions: moonlab.MarkOptions
---@field sure? moonlab.Values  (r, c)
---@field classes? string[]  names, from class 1 on, or from the lowest if that is below

--- Adds the plane in colours of classes, paler where less sure: a decision boundary.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (c)
---@param y moonlab.Values  (r)
---@param class moonlab.Values  (r, c)
---@param opts? moonlab.RegionsOptions
---@return moonlab.Figure
function Figure:regions(panel, x, y, class, opts) end

---@class moonlab.GraphOptions: moonlab.MarkOptions
---@field value? moonlab.Values  (n)
---@field radius? number  of the nodes, in 1/96 inch; 0 = as fits

--- Adds nodes and edges; the colour of an edge is the sign of its weight, the width its size.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (n)
---@param y moonlab.Values  (n)
---@param from moonlab.Values  (m)
---@param to moonlab.Values  (m)
---@param weight moonlab.Values  (m)
---@param opts? moonlab.GraphOptions
---@return moonlab.Figure
function Figure:graph(panel, x, y, from, to, weight, opts) end

---@class moonlab.TextOptions: moonlab.MarkOptions
---@field to_x? moonlab.Values  (n)
---@field to_y? moonlab.Values  (n)
---@field text? string[]  a line for each place
---@field side? "on"|"right"|"left"|"above"|"below"  where the words stand, seen from the place
---@field panel? boolean  places are parts of the panel, 0..1 from the lower left
---@field size? number  of the letters (default 11)
---@field boxed? boolean  on a patch of paper

--- Adds words at a place, with an arrow where they speak of another.
---@param panel integer  counted from 1, row by row
---@param x moonlab.Values  (n)
---@param y moonlab.Values  (n)
---@param opts? moonlab.TextOptions
---@return moonlab.Figure
function Figure:text(panel, x, y, opts) end

---@class moonlab.EventOptions: moonlab.MarkOptions
---@field text? string[]  what is said, a line for each
---@field level? boolean  at values of y
---@field dash? "dashed"|"solid"|"dotted"  of the line

--- Adds a line across the panel at a value of x (or with level, of y), and what happened there.
---@param panel integer  counted from 1, row by row
---@param at moonlab.Values  (n)
---@param opts? moonlab.EventOptions
---@return moonlab.Figure
function Figure:event(panel, at, opts) end
