# Signs programs, so that Windows names who made them:
#
#     sign.ps1 PATH...    programs, or folders of them; before the list of a bundle's files is written, for signing changes them
#
# Without the secrets below nothing is done, and that is said:
#
#     FOVEA_WINDOWS_CERTIFICATE             a code signing certificate with its key, .pfx in base64
#     FOVEA_WINDOWS_CERTIFICATE_PASSWORD
[CmdletBinding()]
param([Parameter(Mandatory, Position = 0, ValueFromRemainingArguments)] [string[]] $Paths)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

foreach ($name in 'FOVEA_WINDOWS_CERTIFICATE', 'FOVEA_WINDOWS_CERTIFICATE_PASSWORD') {
    if (-not [Environment]::GetEnvironmentVariable($name)) {
        Write-Host "sign.ps1: nothing done, for $name is not set: $Paths"
        exit 0
    }
}

$programs = @($Paths | ForEach-Object { Get-Item -LiteralPath $_ } | ForEach-Object {
    if ($_.PSIsContainer) { Get-ChildItem -LiteralPath $_.FullName -Filter *.exe } else { $_ }
} | ForEach-Object { $_.FullName })
if (-not $programs) { throw "sign.ps1: no programs in $Paths" }

$kits = Join-Path ${env:ProgramFiles(x86)} 'Windows Kits\10\bin\10.*\x64\signtool.exe'
$signtool = Get-ChildItem $kits | Sort-Object { [version] $_.Directory.Parent.Name } | Select-Object -Last 1
if (-not $signtool) { throw 'sign.ps1: signtool.exe of the Windows SDK is not here' }

$certificate = Join-Path ([IO.Path]::GetTempPath()) "$([guid]::NewGuid()).pfx"
try {
    [IO.File]::WriteAllBytes($certificate, [Convert]::FromBase64String($env:FOVEA_WINDOWS_CERTIFICATE))
    & $signtool.FullName sign /fd SHA256 /td SHA256 /tr http://timestamp.digicert.com /d Fovea `
        /f $certificate /p $env:FOVEA_WINDOWS_CERTIFICATE_PASSWORD $programs
    if ($LASTEXITCODE) { throw "sign.ps1: signtool ended with $LASTEXITCODE" }
}
finally {
    Remove-Item -LiteralPath $certificate -Force -ErrorAction SilentlyContinue
}
