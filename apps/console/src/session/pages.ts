export { LoginPage } from './login.tsx';
export { RecoverPage, ResetPage } from './recover.tsx';
export { SignUpPage, VerifyPage } from './sign-up.tsx';
