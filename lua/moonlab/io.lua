--- Files in memory, and checksums. ml.load and ml.save are the usual ways.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local files = require "moonlab.files"

---@class moonlab.io
local io = {}

--- What ml.load would give for a file with these bytes.
---@param bytes string
---@param opts? moonlab.LoadOptions  CSV and CIFAR have no content that tells them: name their format
---@return moonlab.Tensor|table<string, moonlab.Tensor>
---@return table? metadata
function io.decode(bytes, opts) return files.decode(bytes, opts) end

--- The bytes that ml.save would write.
---@param value moonlab.Tensor|moonlab.Tree
---@param opts moonlab.SaveOptions  format must be there
---@return string
function io.encode(value, opts) return files.encode(value, opts) end

--- MD5 of a file's content, of what it unpacks to when it is gzip, as 32 hexadecimal digits: to know a published file again.
---@param path string
---@return string
function io.md5(path)
  if type(path) ~= "string" then check.fail("md5: takes a path, got %s", type(path)) end
  return core.io.md5(path)
end

return io
