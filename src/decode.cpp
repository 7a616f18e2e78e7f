// The one source with a decoder in it: the library cvt::decode. Compiled with -fwrapv, as cvt/extra/decode.hpp says of stb_image.
#define CVT_DECODE_IMPLEMENTATION
#include <cvt/extra/decode.hpp>
