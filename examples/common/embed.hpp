// EMBED_FILE(name, path): links a file into the program; name() returns its bytes. For g++ and clang++, on ELF systems and Windows.
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

// The assembler's .incbin copies the file; a C array of some megabytes would keep the compiler busy for minutes. Compilers without
// .incbin may have #embed (C23, C++26). Dependency scanning does not see the file: name it in the source's OBJECT_DEPENDS, as
// CMakeLists.txt does for from_memory.cpp.
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
