# Runs at installation: asks the program `peer` for the words that shells complete, and puts them
# where bash, zsh and fish look for them below `datadir` of a usual prefix.
cmake_policy(VERSION 3.25)
get_filename_component(prefix "${CMAKE_INSTALL_PREFIX}" ABSOLUTE)
get_filename_component(data "${datadir}" ABSOLUTE BASE_DIR "${prefix}")
foreach(shell_and_file
        bash=bash-completion/completions/peer
        zsh=zsh/site-functions/_peer
        fish=fish/vendor_completions.d/peer.fish)
    string(REPLACE "=" ";" shell_and_file ${shell_and_file})
    list(GET shell_and_file 0 shell)
    list(GET shell_and_file 1 file)
    set(to ${data}/${file})
    execute_process(COMMAND ${peer} completion ${shell} OUTPUT_VARIABLE words
        COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE $ENV{DESTDIR}${to} "${words}")
    # Whatever the umask of whoever installs.
    file(CHMOD $ENV{DESTDIR}${to} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${to})
    message(STATUS "Installing: $ENV{DESTDIR}${to}")
endforeach()
