-- Writes the pages of docs/reference/: ./dev docs
local reference = dofile "docs/make/reference.lua"
for name, text in pairs(reference.pages()) do
  local file = assert(io.open("docs/reference/" .. name .. ".md", "w"))
  assert(file:write(text))
  assert(file:close())
end
