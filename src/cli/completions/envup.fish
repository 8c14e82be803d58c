# Completion of envup in fish. Words of the system's env stay as they are.
function __envup_complete
    set -l words (commandline --tokenize --cut-at-cursor)
    set -l current (commandline --current-token)
    envup completions fish (count $words) $words "$current" 2>/dev/null
end
complete --command envup --no-files --arguments '(__envup_complete)'
