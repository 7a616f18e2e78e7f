// EMBED_FILE(name, path): a file's bytes in the program, read by name(). For g++ and clang++, on ELF systems and Windows.
#pragma once

#include <cstddef>
#include <string_view>

#if defined(_WIN32)
#define EMBED_BEGIN ".section .rdata,\"dr\"\n"
#define EMBED_END ".text\n"
#define EMBED_HIDE(symbol) ""
#define EMBED_HIDDEN
#else
#define EMBED_BEGIN ".pushsection .rodata\n"
#define EMBED_END ".popsection\n"
#define EMBED_HIDE(symbol) ".hidden " #symbol "\n"
#define EMBED_HIDDEN __attribute__((visibility("hidden")))
#endif

// The assembler's .incbin takes the file as it is: the same megabytes as a C array would keep the compiler for minutes. Where
// there is no .incbin, C23's and C++26's #embed is the standard's way. The file is invisible to dependency scanning: name it
// in the source's OBJECT_DEPENDS, as CMakeLists.txt does for from_memory.cpp.
#define EMBED_FILE(name, path)                                                                              \
    __asm__(EMBED_BEGIN                                                                                     \
            ".balign 64\n"                                                                                  \
            ".globl " #name "_begin, " #name "_end\n" EMBED_HIDE(name##_begin) EMBED_HIDE(name##_end) #name \
            "_begin:\n"                                                                                     \
            ".incbin \"" path "\"\n" #name                                                                  \
            "_end:\n"                                                                                       \
            ".byte 0\n" EMBED_END);                                                                         \
    extern "C" {                                                                                            \
    EMBED_HIDDEN extern const char name##_begin[], name##_end[];                                            \
    }                                                                                                       \
    static std::string_view name() { return {name##_begin, static_cast<std::size_t>(name##_end - name##_begin)}; }
