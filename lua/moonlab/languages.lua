--- Sequences of tokens made by rule: copies for induction heads, brackets, counting, regular languages. Tokens and labels count
--- from 1. Strings of a formal language are drawn evenly among all of their length: by how many ways lead on to an end.
local core   = require "moonlab.core"
local check  = require "moonlab.check"
local making = require "moonlab.making"
local make   = core.make

---@class moonlab.data
local data = {}

local MOST = making.MOST
local whole, options, parts = making.whole, making.options, making.parts

local function ids(rows) return make.tensor(rows, { dtype = "i64" }) end

-- To predict each token from those before it.
local function next_tokens(x)
  local length = x.shape[2]
  return { x = x[{ {}, { 1, length - 1 } }]:contiguous(), y = x[{ {}, { 2, length } }]:contiguous() }
end

-- One of yes and no in turn, in random order: as many of each.
local function halves(n, source) return (source:randperm(n) % 2):tolist() end

--- copies -----------------------------------------------------------------------------------------------------------

---@class moonlab.CopiesOptions: moonlab.GeneratorOptions
---@field vocabulary? integer  (default 32)
---@field length?     integer  of the part that is copied (default 24)
---@field shifted?    boolean  a copy begins anywhere in the first part and goes round; else at its beginning (default true)

--- Random tokens, and then a copy of them: who looks for the current token in what came before, and reads what stood behind it,
--- can predict the copy. x (n, 2 length - 1), y the same one token on; source (n, length): where each token of the copy comes
--- from.
--- Olsson et al. 2022, "In-context learning and induction heads".
---@param opts? moonlab.CopiesOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.copies(opts)
  opts = options("copies", opts, { vocabulary = 32, length = 24, shifted = true })
  whole("copies", "vocabulary", opts.vocabulary, 1, MOST)
  whole("copies", "length", opts.length, 1, 100000)
  return parts("copies", opts, function(n, source)
    local first = source:randint(1, opts.vocabulary, { n, opts.length })
    local shift = opts.shifted and source:randint(0, opts.length - 1, { n, 1 }) or make.zeros({ n, 1 }, { dtype = "i64" })
    local from  = (make.arange(0, opts.length - 1, { dtype = "i64" }) + shift) % opts.length + 1
    local part  = next_tokens(core.op.cat({ first, first:gather(from, 2) }, 2))
    part.source = from
    return part
  end)
end

--- brackets ---------------------------------------------------------------------------------------------------------

-- ways[r + 1][h + 1]: how many lines go on from height h in r steps, up or down, to height 0, never above `depth`. In floating
-- point: only the ratio of two counts matters.
local function count_ways(length, depth)
  local ways = { { [1] = 1.0 } }
  for r = 1, length do
    local row, last = {}, ways[r]
    for h = 0, depth do
      local up, down = h < depth and last[h + 2] or 0, h > 0 and last[h] or 0
      row[h + 1] = (up or 0) + (down or 0)
    end
    ways[r + 1] = row
  end
  return ways
end

-- A balanced string; open brackets are 1..kinds, those that close them kinds more. u, v: even draws for up or down, and the kind.
local function balanced(length, depth, kinds, ways, u, v)
  local word, open = {}, {}
  for i = 1, length do
    local rest, h = ways[length - i + 1], #open
    local up, down = h < depth and rest[h + 2] or 0, h > 0 and rest[h] or 0
    if u[i] * (up + down) < up then
      local kind = 1 + math.floor(v[i] * kinds)
      open[#open + 1], word[i] = kind, kind
    else
      word[i], open[#open] = open[h] + kinds, nil
    end
  end
  return word
end

-- One token becomes another: of another kind it does not close with its partner, in another direction it leaves one over.
local function broken(word, kinds, u, v)
  local at = 1 + math.floor(u * #word)
  local other = 1 + math.floor(v * (2 * kinds - 1))
  word[at] = other >= word[at] and other + 1 or other
  return word
end

---@class moonlab.DyckOptions: moonlab.GeneratorOptions
---@field kinds?       integer             of brackets (default 2)
---@field depth?       integer             at most so many are open at once (default 8)
---@field length?      integer             of a string, even (default 32)
---@field test_length? integer             of those for testing (default: the same)
---@field task?        "next"|"recognise"  to predict each token, or to tell balanced strings from those with one wrong token
---                                        (default "next")

--- Balanced brackets, evenly among all strings of the length that stay within the depth: opening brackets are the tokens
--- 1..kinds, the bracket that closes k is k + kinds. next: x, y (n, length - 1); recognise: x (n, length), y 2 for balanced,
--- else 1, half of each.
---@param opts? moonlab.DyckOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.dyck(opts)
  opts = options("dyck", opts, { kinds = 2, depth = 8, length = 32, test_length = 0, task = "next" })
  whole("dyck", "kinds", opts.kinds, 1, 1000000)
  whole("dyck", "depth", opts.depth, 1, 10000)
  local lengths = { train = opts.length, test = opts.test_length ~= 0 and opts.test_length or opts.length }
  for name, length in pairs { length = lengths.train, test_length = lengths.test } do
    whole("dyck", name, length, 2, 1000)
    if length % 2 ~= 0 then check.fail("dyck: %s must be even, got %d", name, length) end
  end
  if opts.task ~= "next" and opts.task ~= "recognise" then
    check.fail("dyck: task must be \"next\" or \"recognise\", got '%s'", opts.task)
  end
  return parts("dyck", opts, function(n, source, name)
    local length, rows, labels = lengths[name], {}, {}
    local ways = count_ways(length, opts.depth)
    local u, v = source:rand({ n, length }):tolist(), source:rand({ n, length }):tolist()
    local wrong, a = halves(n, source), source:rand({ n, 2 }):tolist()
    for i = 1, n do
      rows[i] = balanced(length, opts.depth, opts.kinds, ways, u[i], v[i])
      labels[i] = 2
      if opts.task == "recognise" and wrong[i] == 1 then
        rows[i], labels[i] = broken(rows[i], opts.kinds, a[i][1], a[i][2]), 1
      end
    end
    return opts.task == "next" and next_tokens(ids(rows)) or { x = ids(rows), y = ids(labels) }
  end)
end

---@class moonlab.CountingOptions: moonlab.GeneratorOptions
---@field letters? integer    2: a^n b^n; 3: a^n b^n c^n (default 2)
---@field train?   integer[]  least and greatest n of the training set (default { 1, 12 })
---@field test?    integer[]  of the test set (default: the same)

--- Strings a^n b^n (and c^n) and, as many of them, strings whose numbers of letters differ. x (n, length) behind padding: 1 is
--- padding, then come the letters, 2 for a; y 2 for equal numbers, else 1. Gers & Schmidhuber 2001 train on small n and test on
--- greater ones.
---@param opts? moonlab.CountingOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.counting(opts)
  opts = options("counting", opts, { letters = 2, train = { 1, 12 }, test = {} })
  whole("counting", "letters", opts.letters, 2, 3)
  local ranges = { train = opts.train, test = #opts.test > 0 and opts.test or opts.train }
  local widest = 0
  for name, range in pairs(ranges) do
    if #range ~= 2 then check.fail("counting: %s must be { least, greatest }, got %d numbers", name, #range) end
    whole("counting", name, range[1], 1, 1000)
    whole("counting", name, range[2], range[1], 1000)
    if range[1] == range[2] then check.fail("counting: %s must leave a choice, got %d to %d", name, range[1], range[2]) end
    widest = math.max(widest, range[2] * opts.letters)
  end
  return parts("counting", opts, function(n, source, name)
    local low, high = table.unpack(ranges[name])
    local rows, labels, wrong = {}, {}, halves(n, source)
    local counts, off = source:randint(low, high, { n }):tolist(), source:randint(1, high - low, { n }):tolist()
    local which = source:randint(1, opts.letters, { n }):tolist()
    for i = 1, n do
      local row, length, each = {}, 0, {}
      for k = 1, opts.letters do each[k] = counts[i] end
      if wrong[i] == 1 then -- one letter has another number of the range
        each[which[i]] = (counts[i] - low + off[i]) % (high - low + 1) + low
      end
      for k = 1, opts.letters do length = length + each[k] end
      for k = 1, widest - length do row[k] = 1 end
      for k = 1, opts.letters do
        for _ = 1, each[k] do row[#row + 1] = k + 1 end
      end
      rows[i], labels[i] = row, wrong[i] == 1 and 1 or 2
    end
    return { x = ids(rows), y = ids(labels) }
  end)
end

--- regular languages ------------------------------------------------------------------------------------------------

-- Automata: next[state][symbol]; the first state is where they begin. The symbols of these are 1 for "0" and 2 for "1".
local AUTOMATA = {
  parity  = { next = { { 1, 2 }, { 2, 1 } }, accept = { 1 } },                                   -- an even number of ones
  -- Tomita 1982
  tomita1 = { next = { { 2, 1 }, { 2, 2 } }, accept = { 1 } },                                   -- ones only
  tomita2 = { next = { { 3, 2 }, { 1, 3 }, { 3, 3 } }, accept = { 1 } },                         -- 10 repeated
  tomita3 = { next = { { 1, 2 }, { 3, 1 }, { 4, 5 }, { 3, 2 }, { 5, 5 } }, accept = { 1, 2, 4 } }, -- behind odd ones even zeros
  tomita4 = { next = { { 2, 1 }, { 3, 1 }, { 4, 1 }, { 4, 4 } }, accept = { 1, 2, 3 } },         -- never three zeros
  tomita5 = { next = { { 2, 3 }, { 1, 4 }, { 4, 1 }, { 3, 2 } }, accept = { 1 } },               -- even in zeros and in ones
  tomita6 = { next = { { 2, 3 }, { 3, 1 }, { 1, 2 } }, accept = { 1 } },                         -- zeros - ones divisible by 3
  tomita7 = { next = { { 1, 2 }, { 3, 2 }, { 3, 4 }, { 5, 4 }, { 5, 5 } }, accept = { 1, 2, 3, 4 } }, -- 0..01..10..01..1
}

local function automaton_of(language)
  if type(language) == "string" then
    if not AUTOMATA[language] then
      local known = {}
      for name in pairs(AUTOMATA) do known[#known + 1] = name end
      table.sort(known)
      local nearest = core.nearest(language, known)
      check.fail("regular: there is no language '%s'; %s", language,
        nearest and ("did you mean '%s'?"):format(nearest) or "it knows " .. table.concat(known, ", "))
    end
    language = AUTOMATA[language]
  end
  if type(language) ~= "table" or type(language.next) ~= "table" or type(language.accept) ~= "table" or #language.next == 0 then
    check.fail("regular: a language is a name or { next = { { state, ... } }, accept = { state, ... } }")
  end
  local n, symbols, accept = #language.next, nil, {}
  for s, row in ipairs(language.next) do
    if type(row) ~= "table" or #row == 0 or symbols and #row ~= symbols then
      check.fail("regular: next[%d] must be a state for each symbol", s)
    end
    symbols = #row
    for _, to in ipairs(row) do whole("regular", ("next[%d]"):format(s), to, 1, n) end
  end
  for _, s in ipairs(language.accept) do
    whole("regular", "accept", s, 1, n)
    accept[s] = true
  end
  return { next = language.next, accept = accept, symbols = symbols, n = n }
end

-- ways[yes or no][r + 1][s]: the share of the strings of r symbols that lead from state s to acceptance, or do not.
local function count_strings(a, length)
  local ways = {}
  for verdict = 0, 1 do
    local last = {}
    for s = 1, a.n do last[s] = ((a.accept[s] or false) == (verdict == 1)) and 1.0 or 0.0 end
    ways[verdict] = { last }
    for r = 1, length do
      local row = {}
      for s = 1, a.n do
        row[s] = 0
        for _, to in ipairs(a.next[s]) do row[s] = row[s] + last[to] / a.symbols end
      end
      ways[verdict][r + 1], last = row, row
    end
  end
  return ways
end

---@class moonlab.Automaton
---@field next   integer[][]  next[state][symbol] is a state; it begins in the first
---@field accept integer[]    states in which a string may end

---@class moonlab.RegularOptions: moonlab.GeneratorOptions
---@field language?    string|moonlab.Automaton  "parity", "tomita1" to "tomita7", or one's own (default "parity")
---@field length?      integer  of a string (default 20)
---@field test_length? integer  of those for testing (default: the same)

--- Strings in a regular language and as many outside of it, each evenly among all of the length: x (n, length) symbols from 1 (of
--- the named ones 1 stands for "0", 2 for "1"), y 2 for those inside, else 1; states (n, length): of the automaton, behind each
--- symbol.
--- Tomita 1982, "Dynamic construction of finite automata from examples using hill-climbing".
---@param opts? moonlab.RegularOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.regular(opts)
  local language = type(opts) == "table" and opts.language or "parity"
  local rest = opts
  if type(opts) == "table" then
    rest = {}
    for name, value in pairs(opts) do if name ~= "language" then rest[name] = value end end
  end
  rest = options("regular", rest, { length = 20, test_length = 0, language = "" })
  local a = automaton_of(language)
  local lengths = { train = rest.length, test = rest.test_length ~= 0 and rest.test_length or rest.length }
  whole("regular", "length", lengths.train, 1, 1000)
  whole("regular", "test_length", lengths.test, 1, 1000)
  return parts("regular", rest, function(n, source, name)
    local length = lengths[name]
    local ways = count_strings(a, length)
    for verdict = 0, 1 do
      if ways[verdict][length + 1][1] == 0 then
        check.fail("regular: no string of length %d is %s the language", length, verdict == 1 and "in" or "outside of")
      end
    end
    local verdicts, u = halves(n, source), source:rand({ n, length }):tolist()
    local rows, states, labels = {}, {}, {}
    for i = 1, n do
      local row, seen, s, of = {}, {}, 1, ways[verdicts[i]]
      for k = 1, length do
        local ahead, left, symbol = of[length - k + 1], u[i][k] * of[length - k + 2][s] * a.symbols, nil
        for c, to in ipairs(a.next[s]) do
          if ahead[to] > 0 then symbol = c end -- the last possible one when rounding leaves something over
          left = left - ahead[to]
          if left < 0 then break end
        end
        row[k], s = symbol, a.next[s][symbol]
        seen[k] = s
      end
      rows[i], states[i], labels[i] = row, seen, verdicts[i] + 1
    end
    return { x = ids(rows), y = ids(labels), states = ids(states) }
  end)
end

return data
