--- What a terminal shows after all that a program wrote to it: lines of characters, without colours. Knows what moonlab uses.
return function(text, columns)
  local lines, row, col = { {} }, 1, 1
  local function put(char)
    if col > columns then row, col = row + 1, 1 end
    lines[row] = lines[row] or {}
    for i = #lines[row] + 1, col - 1 do lines[row][i] = " " end
    lines[row][col] = char
    col = col + 1
  end
  local at = 1
  while at <= #text do
    local numbers, command = text:match("^\27%[([%d;]*)(%a)", at)
    if command then
      at = at + 3 + #numbers
      local n = tonumber(numbers) or 1
      if command == "A" then row = math.max(1, row - n)
      elseif command == "K" or command == "J" then
        for i = #(lines[row] or {}), col, -1 do lines[row][i] = nil end
        if command == "J" then
          for i = #lines, row + 1, -1 do lines[i] = nil end
        end
      elseif command ~= "m" then error("unknown command " .. command) end
    else
      local char = text:match("^" .. utf8.charpattern, at)
      at = at + #char
      if char == "\r" then col = 1
      elseif char == "\n" then
        row = row + 1
        for i = #lines + 1, row do lines[i] = {} end
      else put(char) end
    end
  end
  for i = 1, #lines do lines[i] = table.concat(lines[i]):gsub("%s+$", "") end
  return lines
end
