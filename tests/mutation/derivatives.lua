--- Would the tests notice a wrong derivative? Changes each rule of src/ops/ in turn, builds the tests with the changed file
--- and runs them: a change that no test notices is a survivor, and a failure of this script.
---
---     lua5.4 tests/mutation/derivatives.lua build/ci [FILE...]        FILE: part of a path, such as reduce
---
--- The changes: every gradient that a rule returns has its sign flipped, one input at a time; every composition of operations
--- loses one of its terms or factors, one at a time. Nothing in the source tree is touched: the changed file is compiled
--- beside it, and its object is linked before the library.
local build = assert(arg[1], "usage: lua5.4 derivatives.lua BUILD_FOLDER [FILE...]")
local wanted = { table.unpack(arg, 2) }

-- The programs that are asked, quickest and likeliest first.
local TESTS = { "test_derivatives", "test_transform", "test_golden", "test_ops", "test_special", "test_nn", "test_autograd" }

-- Changes that nobody can observe, as this script prints them: [change] = the reason.
local nothing = "the product of nothing: forward computes the value, and the derivative that compose is for has no elements"
local EQUIVALENT = {
  ["scan.c: ml_add(ml_sum(x, c->opts), ml_number(1)) -> (ml_sum(x, c->opts))"] = nothing,
  ["scan.c: ml_add(ml_sum(x, c->opts), ml_number(1)) -> (ml_number(1))"] = nothing,
  ["scan.c: ml_sum(x, c->opts) -> ml_neg(ml_sum(x, c->opts))"] = nothing,
}

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  return pipe:close() == true, text
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

-- The commands of the build, from the tool that made it.
local function command_of(target, pattern)
  local _, all = run(("ninja -C %s -t commands %s"):format(build, target))
  local found
  for line in all:gmatch "[^\n]+" do
    if line:find(pattern, 1, true) then found = line end
  end
  return assert(found, "no command for " .. pattern)
end

--- reading C -------------------------------------------------------------------------------------------------------

-- The position of the bracket that closes the one at `open`.
local function closing(text, open)
  local depth, at, pairs_of = 0, open, { ["("] = 1, ["{"] = 1, ["["] = 1, [")"] = -1, ["}"] = -1, ["]"] = -1 }
  while at <= #text do
    local c = text:sub(at, at)
    depth = depth + (pairs_of[c] or 0)
    if depth == 0 then return at end
    at = at + 1
  end
end

-- Arguments of the call whose bracket opens at `open`: texts, and where the call ends.
local function arguments(text, open)
  local close = closing(text, open)
  if not close then return end
  local list, depth, from = {}, 0, open + 1
  for at = open + 1, close do
    local c = text:sub(at, at)
    if c:find "[%(%{%[]" then depth = depth + 1 end
    if c == "," and depth == 0 or at == close then
      list[#list + 1] = text:sub(from, at - 1):gsub("^%s+", "")
      from = at + 1
    end
    if c:find "[%)%}%]]" then depth = depth - 1 end
  end
  return list, close
end

-- Comments and preprocessor lines blanked out, every position kept: changes there would be none.
local function code_only(text)
  local function blank(part) return (part:gsub("[^\n]", " ")) end
  return (text:gsub("/%*.-%*/", blank):gsub("\n#define [^\n]*", blank):gsub('"[^"\n]*"', blank))
end

--- the changes -----------------------------------------------------------------------------------------------------

-- What a call is replaced with: each leaves something out.
local LESS = {
  ml_add = { "(%1)", "(%2)" }, ml_sub = { "(%1)", "ml_neg(%2)" }, ml_mul = { "(%1)", "(%2)" }, ml_div = { "(%1)" },
  ml_neg = { "(%1)" },
  plus = { "(%2)" }, times = { "(%2)" }, minus_from = { "ml_neg(%2)" }, ml_matmul = { "ml_neg(ml_matmul(%1, %2))" },
  ml_where = { "(%2)", "(%3)" }, ml_sum = { "ml_neg(ml_sum(%1, %2))" }, ml_sum_dim = { "ml_neg(ml_sum_dim(%1, %2, %3))" },
}

local function line_of(text, at) return select(2, text:sub(1, at):gsub("\n", "")) + 1 end

local function add_losses(text, code, mutants)
  for at, name, open in code:gmatch "()%f[%w_](%l[%w_]*)()%(" do
    if LESS[name] then
      local list, close = arguments(text, open)
      local before = code:sub(math.max(1, at - 40), at - 1)
      if list and not before:find "static ml_tensor %*$" then
        for _, form in ipairs(LESS[name]) do
          local shorter = form:gsub("%%(%d)", function(i) return list[tonumber(i)] or "" end)
          mutants[#mutants + 1] = {
            line = line_of(text, at), what = text:sub(at, close) .. " -> " .. shorter,
            text = text:sub(1, at - 1) .. shorter .. text:sub(close + 1),
          }
        end
      end
    end
  end
end

-- Rules by function: the original under another name, called by one that flips a sign.
local function add_flips(text, code, mutants)
  for at, kind, name, parameters in code:gmatch "()static ([%w_]+ %*?)([%w_]+)(%b())%s*{" do
    local body = text:sub(code:find("{", at, true), closing(code, code:find("{", at, true)))
    local opening = "static " .. kind .. name
    local after = closing(code, code:find("{", at, true))
    local gradients = parameters == "(ml_call *c, ml_tensor *dy, ml_tensor *dx[])"
    local function add(i, whole)
      mutants[#mutants + 1] = {
        line = line_of(text, at), what = ("%s: gradient %d flipped"):format(name, i),
        text = text:sub(1, at - 1) .. "static " .. kind .. name .. "_right" .. text:sub(at + #opening, after) .. "\n" .. whole
          .. text:sub(after + 1),
      }
    end
    if gradients then
      local seen = {}
      for i in body:gmatch "dx%[(%d)%]" do
        if not seen[i] then
          seen[i] = true
          add(i, ("static bool %s(ml_call *c, ml_tensor *dy, ml_tensor *dx[])\n{\n    if (!%s_right(c, dy, dx)) return false;\n"
            .. "    if (dx[%s] && !(dx[%s] = ml_neg(dx[%s]))) return false;\n    return true;\n}\n"):format(name, name, i, i, i))
        end
      end
    elseif parameters == "(ml_call *c, int i)" and name:find "_slope$" then
      for i = 0, body:find "%f[%w_]i%f[^%w_] == " and 1 or 0 do
        add(i, ("static ml_tensor *%s(ml_call *c, int i)\n{\n    ml_tensor *s = %s_right(c, i);\n"
          .. "    return i == %d ? ml_neg(s) : s;\n}\n"):format(name, name, i))
      end
    end
  end
  for at, open in code:gmatch "\n()SLOPE()%(" do -- the short form: SLOPE(name, expression)
    local list, close = arguments(text, open)
    local expression = table.concat(list, ", ", 2)
    for i = 0, expression:find "%f[%w_]i == " and 1 or 0 do
      mutants[#mutants + 1] = {
        line = line_of(text, at), what = ("%s: slope %d flipped"):format(list[1], i),
        text = text:sub(1, at - 1) .. ("SLOPE(%s, i == %d ? ml_neg(%s) : (%s))"):format(list[1], i, expression, expression)
          .. text:sub(close + 1),
      }
    end
  end
  for at, name in code:gmatch "\n()DIRECT%(([%w_]+)%)" do -- and the fast rules made by a macro
    mutants[#mutants + 1] = {
      line = line_of(text, at), what = name .. "_direct: gradient 0 flipped",
      text = text:sub(1, at - 1)
        .. ("#define %s_direct %s_direct_right\nDIRECT(%s)\n#undef %s_direct\n"):format(name, name, name, name)
        .. ("static bool %s_direct(ml_call *c, ml_tensor *dy, ml_tensor *dx[])\n{\n    return %s_direct_right(c, dy, dx) && "
          .. "(dx[0] = ml_neg(dx[0]));\n}\n"):format(name, name) .. text:sub(at + #"DIRECT()" + #name),
    }
  end
end

local function mutants_of(text)
  local mutants, code = {}, code_only(text)
  add_flips(text, code, mutants)
  add_losses(text, code, mutants)
  return mutants
end

--- trying them ----------------------------------------------------------------------------------------------------

local folder = os.tmpname()
os.remove(folder)
assert(run("mkdir -p " .. folder))

local links = {}
for _, test in ipairs(TESTS) do
  local output = "-o tests/" .. test .. " "
  links[test] = command_of(test, output):gsub(output:gsub("%p", "%%%0"), ("-o %s/%s %s/changed.o "):format(folder, test, folder))
    :gsub("^: && ", ""):gsub(" && :$", "")
end

local function in_build(command) return run(("cd %s && %s"):format(build, command)) end

-- Which test notices; nil when none does; "compiler" for a change that is no C.
local function killer(object, mutant)
  write(folder .. "/changed.c", mutant.text)
  local compile = object:gsub("%-Werror", "-w"):gsub("%-O2", "-O1"):gsub("%-MD %-MT %S+ %-MF %S+", "")
  compile = compile:gsub("%-o %S+", "-o " .. folder .. "/changed.o")
    :gsub("%-c %S+", "-c " .. folder .. "/changed.c")
  if not in_build(compile) then return "compiler" end
  for _, test in ipairs(TESTS) do
    local good, text = in_build(links[test])
    assert(good, text)
    if not run(("timeout 60 %s/%s --jobs 2 --fail-fast"):format(folder, test)) then return test end
  end
end

local _, listing = run("ls src/ops/*.c")
local n, by, survivors, excused = 0, {}, {}, 0
for path in listing:gmatch "%S+" do
  local asked = #wanted == 0
  for _, part in ipairs(wanted) do asked = asked or path:find(part, 1, true) end
  if asked and not path:find "table%.c" and not path:find "map%.c" then
    local object, text = command_of("src/libmoonlab_core.a", "/" .. path), read(path)
    local mutants = mutants_of(text)
    for _, mutant in ipairs(mutants) do
      local name = ("%s: %s"):format(path:match "[^/]+$", mutant.what:gsub("%s+", " "))
      if EQUIVALENT[name] then
        excused = excused + 1
      else
        local test = killer(object, mutant)
        n = n + 1
        by[test or "nobody"] = (by[test or "nobody"] or 0) + 1
        if not test then
          survivors[#survivors + 1] = name
          print(("SURVIVED %s:%d %s"):format(path, mutant.line, name))
        end
      end
    end
    print(("%s: %d changes"):format(path, #mutants))
  end
end
run("rm -rf " .. folder)
local noticed = {}
for test, count in pairs(by) do noticed[#noticed + 1] = ("%s %d"):format(test, count) end
table.sort(noticed)
print(("%d changes, %d survived, %d known to be equivalent; noticed by: %s")
  :format(n, #survivors, excused, table.concat(noticed, ", ")))
os.exit(#survivors == 0)
