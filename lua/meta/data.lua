---@meta
-- Data sets that the C part makes, for lua-language-server. What Lua makes of them is in lua/moonlab/generators.lua.
-- luacheck: ignore 212 241 631

---@class moonlab.ModularOptions
---@field p?              integer            modulus, 2..4096 (default 97)
---@field op?             string             "+", "-", "*", "/", or a polynomial such as "x^2+xy+y^2" (default "+")
---@field train_fraction? number             in (0, 1) (default 0.5)
---@field seed?           integer            of the split (default 1)

---@class moonlab.PermutationsOptions
---@field n?              integer                 2..6, for n! elements (default 5)
---@field op?             "xy"|"xyx"|"xyx^-1"     xy: first y, then x (default "xy")
---@field train_fraction? number                  in (0, 1) (default 0.5)
---@field seed?           integer                 of the split (default 1)

---@class moonlab.Mnist1dOptions
---@field n?                integer       examples, as many of each of the 10 classes (default 5000)
---@field train_fraction?   number        (default 0.8)
---@field length?           integer       of a signal (default 40)
---@field padding?          integer[]     at least and at most so many zeros behind a template of 12 points (default { 36, 60 })
---@field max_translation?  integer       moved right, round the end, by less than this (default 48)
---@field scale?            number        times 1 +- scale / 2 (default 0.4)
---@field correlated_noise? number        standard deviation, before smoothing, where there was padding (default 0.25)
---@field iid_noise?        number        standard deviation, everywhere (default 0.02)
---@field shear?            number        a slope of +- shear / 2 from one end to the other (default 0.75)
---@field shuffled?         boolean       positions in one random order, the same for all signals (default false)
---@field seed?             integer       below 2^32; 42 are the published arrays (default 42)
---@field dtype?            "f32"|"f64"   (default "f32")

--- How the images of a set differ. Each draws from a range { low, high }; a number stands for { -number, number }, of scale and
--- thickness for no choice.
---@class moonlab.Look
---@field rotation?  number|number[]  degrees, with the clock (default 12)
---@field shear?     number|number[]  (default 0.15)
---@field scale?     number|number[]  1: as high as 0.72 of the image (default { 0.8, 1.05 })
---@field shift?     number|number[]  pixels, to the right and downwards (default 2)
---@field thickness? number|number[]  of the pen, pixels (default { 1.6, 3 })
---@field wobble?    number           standard deviation of each point, in halves of a glyph's height (default 0.06)
---@field noise?     number           standard deviation added to each pixel (default 0)

---@class moonlab.DrawnOptions: moonlab.Look
---@field n_train? integer        (default 8000)
---@field n_test?  integer        (default 2000)
---@field size?    integer        of the square images, 8..256 (default 28)
---@field filled?  boolean        what the strokes enclose too (default false)
---@field colour?  boolean        three channels, an ink and a ground for each image (default false: 1 on 0 in one channel)
---@field test?    moonlab.Look   in what the test set looks different
---@field seed?    integer        (default 1)

---@class moonlab.data
local data = {}

--- All pairs (a, b) and a op b modulo p, split at random; ids and labels count from 1.
---@param opts? moonlab.ModularOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.modular(opts) end

--- All pairs of elements of the symmetric group and what they compose to, split at random. elements (n!, n): where each sends
--- 1..n, in the order of a dictionary; ids and labels are their numbers, 1 the identity. Power et al. 2022.
---@param opts? moonlab.PermutationsOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, elements: moonlab.Tensor }
function data.permutations(opts) end

--- MNIST-1D by its published recipe: ten digits as signals, x (n, length), of mean 0 and standard deviation 1 over all; y the
--- digit + 1. positions (length): where each position comes from, which matters when they are shuffled.
--- Greydanus & Kobak 2024, "Scaling down deep learning with MNIST-1D".
---@param opts? moonlab.Mnist1dOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, positions: moonlab.Tensor }
function data.mnist1d(opts) end

--- Digits drawn by strokes: x (n, channels, size, size) in 0..1, y the digit + 1, as many of each. With `test` the test set is of
--- another distribution: `test = { rotation = { 30, 60 } }`.
---@param opts? moonlab.DrawnOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[] }
function data.digits(opts) end

--- Eight shapes, drawn as the digits are: circle, triangle, square, pentagon, star, cross, heart, arrow.
---@param opts? moonlab.DrawnOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[] }
function data.shapes(opts) end

return data
