-- The element types of tensors: which there are, how large an element is, which are floats and which integers.

local dtypes = {}

--- Bytes an element, by dtype.
dtypes.BYTES = {float32 = 4, float64 = 8, float16 = 2, bfloat16 = 2, int64 = 8, int32 = 4, uint8 = 1, bool = 1}

--- The floats, a list: what tables and weights may be.
dtypes.FLOATS = {"float32", "float64", "float16", "bfloat16"}

--- Whether a dtype is one of floats, by dtype.
dtypes.IS_FLOAT = {float32 = true, float64 = true, float16 = true, bfloat16 = true}

--- Whether a dtype is one of integers, by dtype; ids may have it.
dtypes.IS_INTEGER = {int64 = true, int32 = true, uint8 = true}

return dtypes
